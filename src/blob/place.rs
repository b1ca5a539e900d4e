//! Where the bytes are: a folder, or a bucket of an S3 store.

use std::{path::Path, sync::Arc, time::Duration};

use object_store::{
    BackoffConfig, ClientOptions, ObjectStore, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    local::LocalFileSystem,
    prefix::PrefixStore,
};

use crate::{
    config::{Blobs, Bucket},
    error::{Error, Result},
};

/// How long a bucket may take to be connected to.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// How long a bucket may take to answer one request: a square has at most a megabyte.
const REQUEST_WITHIN: Duration = Duration::from_secs(5);

/// How often a request is made again that a bucket has not answered well, how soon, and how long after the first.
const RETRIES_MAX: usize = 2;
const BACKOFF: BackoffConfig =
    BackoffConfig { init_backoff: Duration::from_millis(100), max_backoff: Duration::from_secs(1), base: 2.0 };
const RETRY_WITHIN: Duration = Duration::from_secs(5);

/// A store, and where it is.
type Place = (Arc<dyn ObjectStore>, Arc<str>);

/// Opens the store that `settings` name, and says where it is. Nothing is asked of a bucket yet.
pub(super) fn open(settings: &Blobs) -> Result<Place> {
    match &settings.blob_url {
        Some(bucket) => in_bucket(bucket, settings),
        None => in_folder(&settings.blob_dir),
    }
}

fn in_folder(folder: &Path) -> Result<Place> {
    let place = format!("BLOB_DIR (--blob-dir): {}", folder.display());
    let open = || {
        std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        LocalFileSystem::new_with_prefix(folder).map_err(|error| error.to_string())
    };
    match open() {
        // What a row names has to be there after a power cut, too.
        Ok(store) => Ok((Arc::new(store.with_fsync(true)), place.into())),
        Err(error) => Err(Error::internal(format!("{place} cannot be used: {error}"))),
    }
}

fn in_bucket(bucket: &Bucket, settings: &Blobs) -> Result<Place> {
    let Bucket { name, prefix } = bucket;
    let options = ClientOptions::new().with_connect_timeout(CONNECT_WITHIN).with_timeout(REQUEST_WITHIN);
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(name)
        .with_region(&settings.aws_region)
        .with_client_options(options)
        .with_retry(RetryConfig { backoff: BACKOFF, max_retries: RETRIES_MAX, retry_timeout: RETRY_WITHIN })
        // Not every store that speaks S3 knows how to remove many at once.
        .with_disable_bulk_delete(true);
    if let Some(endpoint) = &settings.aws_endpoint_url {
        builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
    }
    let secrets = [
        (AmazonS3ConfigKey::AccessKeyId, &settings.aws_access_key_id),
        (AmazonS3ConfigKey::SecretAccessKey, &settings.aws_secret_access_key),
        (AmazonS3ConfigKey::Token, &settings.aws_session_token),
    ];
    let roles = [
        (AmazonS3ConfigKey::RoleArn, &settings.aws_role_arn),
        (AmazonS3ConfigKey::WebIdentityTokenFile, &settings.aws_web_identity_token_file),
    ];
    let secrets = secrets.into_iter().filter_map(|(key, it)| Some((key, it.as_ref()?.expose())));
    let roles = roles.into_iter().filter_map(|(key, it)| Some((key, it.as_deref()?)));
    let builder = secrets.chain(roles).fold(builder, |builder, (key, value)| builder.with_config(key, value));
    let place = format!("BLOB_URL (--blob-url): s3://{name}/{prefix}");
    match builder.build() {
        Ok(store) => Ok((Arc::new(PrefixStore::new(store, prefix.as_str())), place.into())),
        Err(error) => Err(Error::internal(format!("{place} cannot be used: {error}"))),
    }
}
