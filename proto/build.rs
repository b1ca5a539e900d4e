//! Compiles the files beside it into the module `workcenter::pb`.
//!
//! `protox` is a compiler in Rust, so a build needs no `protoc` and no copy of Google's protos. The
//! descriptor set is kept too: reflection serves it, and the rules of access are tested against it.

use std::{env, fs, path::PathBuf};

use prost::Message;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let mut protos: Vec<PathBuf> =
        fs::read_dir("proto/workcenter/v1")?.map(|entry| entry.map(|it| it.path())).collect::<Result<_, _>>()?;
    protos.sort();
    let descriptors = protox::compile(protos, ["proto"])?;

    let out = env::var_os("OUT_DIR").map(PathBuf::from).ok_or("cargo sets OUT_DIR")?;
    fs::write(out.join("workcenter.bin"), descriptors.encode_to_vec())?;
    // Bytes are shared with what came off the wire rather than copied.
    let build = tonic_prost_build::configure().codec_path("crate::pb::Codec").bytes(".");
    // By its name a message is found among the descriptors.
    let mut config = tonic_prost_build::Config::new();
    config.enable_type_names();
    build.compile_fds_with_config(descriptors, config)?;
    Ok(())
}
