//! Archives that another library has written.

use std::io::{Cursor, Write};

use workcenter::pb::JobState;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::{bulk::Stage, content::noise};

#[tokio::test]
async fn what_others_have_packed_is_unpacked_as_it_was() {
    let stage = Stage::set().await;
    let space = stage.space("Pier").await;
    let documents = [
        ("a/b/c/plan.txt", b"plan ".repeat(5_000), CompressionMethod::Deflated),
        ("a/noise.bin", noise(3 << 20), CompressionMethod::Deflated),
        ("a/Straße 日本.txt", b"1".to_vec(), CompressionMethod::Stored),
        ("empty", Vec::new(), CompressionMethod::Deflated),
    ];
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.add_directory("nothing", SimpleFileOptions::default()).unwrap();
    for (index, (name, bytes, method)) in documents.iter().enumerate() {
        let options = SimpleFileOptions::default().compression_method(*method).large_file(index % 2 == 0);
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.set_comment("PK, of a kind").unwrap();
    let archive = writer.finish().unwrap().into_inner();

    let job = stage.imported(space, &archive).await;
    assert_eq!((job.state(), job.done_items), (JobState::Succeeded, 8), "{:?}", stage.ends(&job).await);
    let held = stage.held(space).await;
    assert_eq!(held.len(), 8);
    assert!(documents.iter().all(|(name, bytes, _)| held[*name] == [bytes.clone()]));
}
