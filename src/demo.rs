//! placeholder
use crate::{config, error::Result};
/// x
pub async fn tell(_: &config::Demo) -> Result<()> {
    Ok(())
}
