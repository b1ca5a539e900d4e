//! What is to be said of documents, and done to them, without their bytes.

mod service;

pub(super) use service::Documents;
