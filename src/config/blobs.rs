//! The settings of the object store, which all programs that serve have: the server fills it, the daemon clears it.

use std::path::PathBuf;

use clap::Args;

use super::form::{Bucket, url};
use crate::secret::Secret;

// Where the bytes are, and who asks for them. What is of AWS has the names that it has everywhere, so that what a cloud
// gives to a pod is understood.
#[derive(Args, Clone, Debug)]
#[allow(missing_docs, reason = "a doc comment would replace the program's description in --help")]
pub struct Blobs {
    /// Folder for the bytes of pictures, one for all servers and daemons; made when missing
    #[arg(long, env = "BLOB_DIR", default_value = "blobs", value_name = "PATH")]
    pub blob_dir: PathBuf,

    /// Bucket for the bytes of pictures, as in `s3://bucket/prefix`; without it they are in --blob-dir
    #[arg(long, env = "BLOB_URL", value_name = "URL")]
    pub blob_url: Option<Bucket>,

    /// Region of the bucket
    #[arg(long, env = "AWS_REGION", default_value = "us-east-1", value_name = "NAME")]
    pub aws_region: String,

    /// Where the bucket is served, when that is not by AWS
    #[arg(long, env = "AWS_ENDPOINT_URL", value_name = "URL", value_parser = url)]
    pub aws_endpoint_url: Option<String>,

    /// Key that opens the bucket; without it, what the cloud gives to the machine or the pod
    #[arg(
        long,
        env = "AWS_ACCESS_KEY_ID",
        hide_env_values = true,
        value_name = "ID",
        requires = "aws_secret_access_key"
    )]
    pub aws_access_key_id: Option<Secret>,

    /// The secret half of that key
    #[arg(
        long,
        env = "AWS_SECRET_ACCESS_KEY",
        hide_env_values = true,
        value_name = "SECRET",
        requires = "aws_access_key_id"
    )]
    pub aws_secret_access_key: Option<Secret>,

    /// What comes with a key that lasts for a while only
    #[arg(long, env = "AWS_SESSION_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub aws_session_token: Option<Secret>,

    /// Role to take by a token of the cluster's, which is given to the pod with it
    #[arg(long, env = "AWS_ROLE_ARN", value_name = "ARN", requires = "aws_web_identity_token_file")]
    pub aws_role_arn: Option<String>,

    /// File with that token
    #[arg(long, env = "AWS_WEB_IDENTITY_TOKEN_FILE", value_name = "PATH", requires = "aws_role_arn")]
    pub aws_web_identity_token_file: Option<String>,
}
