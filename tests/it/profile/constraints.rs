//! What is published of what fields may be, and that refusal begins exactly there.

use tonic::{Code, Request};
use workcenter::pb::{Address, GetProfileConstraintsRequest, GetProfileConstraintsResponse, LengthUnit, Profile};

use super::write;
use crate::harness::{App, by, fields, reason};

async fn published(app: &App) -> GetProfileConstraintsResponse {
    let request = Request::new(GetProfileConstraintsRequest {});
    app.profiles().get_profile_constraints(request).await.unwrap().into_inner()
}

/// A profile with one text.
fn with(path: &str, text: String) -> Profile {
    let (mut profile, mut address) = (Profile::default(), Address::default());
    let field = match path {
        "first_name" => &mut profile.first_name,
        "last_name" => &mut profile.last_name,
        "initials" => &mut profile.initials,
        "job_title" => &mut profile.job_title,
        "address.street" => &mut address.street,
        "address.city" => &mut address.city,
        "address.post_code" => &mut address.post_code,
        "address.state_province" => &mut address.state_province,
        "business_phone" => &mut profile.business_phone,
        "extension" => &mut profile.extension,
        "mobile_phone" => &mut profile.mobile_phone,
        other => panic!("{other} has no length"),
    };
    *field = text;
    Profile { address: Some(address), ..profile }
}

#[tokio::test]
async fn each_published_limit_is_exactly_where_refusal_begins() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let ada = app.person(&account, "ada@example.com", "Ada", "Lovelace").await;
    let constraints = published(&app).await.fields;
    let limited: Vec<_> = constraints.iter().filter(|it| it.max > 0).collect();
    assert_eq!(limited.len(), 11);
    for it in limited {
        let cluster = match it.unit() {
            LengthUnit::CodePoints => "é",
            LengthUnit::GraphemeClusters => "\u{1F469}\u{200D}\u{1F467}",
            LengthUnit::Digits => "7",
            LengthUnit::Unspecified => panic!("{} has a length of what?", it.path),
        };
        let most = usize::try_from(it.max).unwrap();
        write(&app, &ada, with(&it.path, cluster.repeat(most)), &[&it.path]).await.unwrap();
        let status = write(&app, &ada, with(&it.path, cluster.repeat(most + 1)), &[&it.path]).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "FIELD_INVALID"));
        assert_eq!(fields(&status), [format!("profile.{}", it.path)]);
    }
}

#[tokio::test]
async fn every_field_that_can_be_written_has_its_constraint_and_pictures_have_theirs() {
    let app = App::start().await;
    let account = app.account("Pier Works").await;
    let published = published(&app).await;
    assert_eq!(published.fields.len(), 23);
    for it in &published.fields {
        assert!(!it.form.is_empty() && (it.max > 0) == (it.unit() != LengthUnit::Unspecified), "{it:?}");
        write(&app, &account.admin, Profile::default(), &[&it.path]).await.unwrap();
    }
    let pictures = published.pictures.clone().unwrap();
    let types = ["image/bmp", "image/gif", "image/jpeg", "image/png", "image/tiff", "image/webp"];
    assert_eq!(pictures.content_types, types);
    assert_eq!((pictures.size_bytes_max, pictures.chunk_bytes_max), (10 << 20, 1 << 20));
    assert_eq!((pictures.side_px_max, pictures.pixels_max), (10_000, 40_000_000));
    assert_eq!(pictures.sizes_px, [512, 300, 128, 48]);

    // It is the same for everybody.
    let request = by(&account.admin.token, GetProfileConstraintsRequest {});
    assert_eq!(app.profiles().get_profile_constraints(request).await.unwrap().into_inner(), published);
}
