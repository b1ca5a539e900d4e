//! The table `picture`.

use jiff::Timestamp;
use sea_query::{Expr, ExprTrait, Iden, Query};
use uuid::Uuid;

use super::{Kept, Picture};
use crate::{
    db::{self, Cells, Transaction},
    error::{Error, Result},
};

const SET: &str = "
    insert into picture (user_id, etag, content_type, sides, digests, created_at) values ($1, $2, $3, $4, $5, $6)
    on conflict (user_id) do update set etag = excluded.etag, content_type = excluded.content_type,
        sides = excluded.sides, digests = excluded.digests, created_at = excluded.created_at";

#[derive(Iden)]
enum Column {
    #[iden = "picture"]
    Table,
    UserId,
}

/// Sets the picture of a person.
pub(super) async fn set(tx: &Transaction<'_>, user: Uuid, picture: &Picture, now: Timestamp) -> Result<()> {
    let sides: Vec<i64> = picture.squares.iter().map(|it| i64::from(it.side)).collect();
    let digests: Vec<&[u8]> = picture.squares.iter().map(|it| &it.digest[..]).collect();
    db::text(tx, SET, &[&user, &picture.etag, &picture.content_type, &sides, &digests, &now]).await?;
    Ok(())
}

/// Removes the picture of a person; says whether there was one.
pub(super) async fn remove(tx: &Transaction<'_>, user: Uuid) -> Result<bool> {
    let delete = Query::delete().from_table(Column::Table).and_where(Expr::col(Column::UserId).eq(user)).take();
    Ok(db::execute(tx, &delete).await? > 0)
}

/// The picture in a row to which this table may have been joined.
pub(in crate::profile) fn of(cells: &mut Cells<'_>) -> Result<Option<Picture>> {
    let (etag, content_type) = (cells.next("etag"), cells.next("content_type"));
    let (sides, digests) = (cells.next::<Option<Vec<i64>>>("sides"), cells.next::<Option<Vec<Vec<u8>>>>("digests"));
    let (Some(etag), Some(content_type)) = (etag, content_type) else { return Ok(None) };
    let (sides, digests) = (sides.unwrap_or_default(), digests.unwrap_or_default());
    let squares = sides.into_iter().zip(digests).map(|(side, digest)| {
        let side = u32::try_from(side).map_err(Error::internal)?;
        let length = |_| Error::internal("a digest of a picture has another length");
        Ok(Kept { side, digest: digest.try_into().map_err(length)? })
    });
    let squares = squares.collect::<Result<_>>()?;
    Ok(Some(Picture { etag, content_type, squares }))
}
