//! What can be called: each method by the path of its requests, and what of it the front needs to know.

use std::{collections::HashMap, sync::LazyLock};

use crate::pb;

/// Packages that answer before anybody has said who they are: health is asked by Kubernetes, reflection by grpcurl.
const OPEN: [&str; 2] = ["grpc.health.", "grpc.reflection."];

/// A method that can be called.
#[derive(Debug)]
pub(super) struct Method {
    /// The name of its service, with the package.
    pub service: String,
    /// Its own name.
    pub name: String,
    /// Whether the caller sends a stream.
    pub takes_stream: bool,
    /// Whether the answer is a stream.
    pub gives_stream: bool,
    /// Whether the answer may last for as long as the caller wants it to.
    pub lasts: bool,
    /// Whether it answers anybody, and is not counted as work.
    pub is_open: bool,
}

impl Method {
    /// Whether anything of it is a stream.
    pub fn is_stream(&self) -> bool {
        self.takes_stream || self.gives_stream
    }
}

impl From<pb::Method> for Method {
    fn from(method: pb::Method) -> Self {
        let pb::Method { service, name, takes_stream, gives_stream } = method;
        let is_open = OPEN.iter().any(|package| service.starts_with(package));
        // Streams that watch something never come to an end by themselves; others have one, and that of a gigabyte is far.
        let lasts = gives_stream && (is_open || name.starts_with("Watch") || name == "DownloadDocument");
        Self { service, name, takes_stream, gives_stream, lasts, is_open }
    }
}

/// Every method of ours, of health and of reflection, by the path of its requests.
static METHODS: LazyLock<HashMap<String, Method>> = LazyLock::new(|| {
    let sets = [
        pb::DESCRIPTORS,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    ];
    let methods = sets.into_iter().flat_map(|it| pb::methods(it).expect("descriptors are written by the build"));
    methods.map(|it| (format!("/{}/{}", it.service, it.name), it.into())).collect()
});

/// What stands for all that is not there, lest callers fill the metrics with names of their own.
static NOTHING: Method = Method {
    service: String::new(),
    name: String::new(),
    takes_stream: false,
    gives_stream: false,
    lasts: false,
    is_open: false,
};

/// The method that requests to `path` call.
pub(super) fn at(path: &str) -> &'static Method {
    METHODS.get(path).unwrap_or(&NOTHING)
}
