//! Who makes the calls that are refused, and how: here those about people.

mod accounts;
mod activity;
mod bulk;
mod content;
mod import;
mod invites;
mod jobs;
mod preferences;
mod said;
mod tasks;
mod templates;
mod workcenters;

use futures_util::{
    future,
    stream::{self, StreamExt},
};
use tonic::{Request, Response, Status};
use uuid::Uuid;
use workcenter::{
    ids,
    pb::{
        Address, BatchGetProfilesRequest, ChangePasswordRequest, CheckPasswordRequest, ConfirmEmailChangeRequest,
        DeletePictureRequest, GetPasswordPolicyRequest, GetPictureRequest, GetProfileConstraintsRequest,
        GetProfileRequest, ListProfileChangesRequest, ListSessionsRequest, PictureCrop, Profile,
        RequestEmailChangeRequest, RequestPasswordResetRequest, ResetPasswordRequest, RevokeSessionRequest,
        SignInRequest, SignOutRequest, UpdateProfileRequest, UploadPictureRequest, WatchProfilesRequest,
        upload_picture_request::Part, watch_profiles_response::Event,
    },
};

use crate::{
    harness::{App, Person, by},
    identity::mailed_token,
    picture::{announced, jpeg, messages, metadata},
};

/// More guesses, or questions, than are free by any rule.
const TOO_OFTEN: usize = 40;

/// Those who make the calls: in one account, but for the stranger.
pub struct Stage {
    app: App,
    account: Uuid,
    admin: Person,
    ada: Person,
    bob: Person,
    /// Those who call too often, each in another way.
    rash: [Person; 3],
    guest: Person,
    /// Who is taken out of the account.
    leaver: Person,
    stranger: Person,
}

type Answer = Result<(), Status>;

fn nothing<T>(_: Response<T>) {}

/// Asks until the answer is another than the first one.
async fn until_another<F: Future<Output = Answer>>(ask: impl Fn() -> F) -> Answer {
    let first = ask().await.map_err(|it| it.code());
    for _ in 0..TOO_OFTEN {
        let answer = ask().await;
        if answer.as_ref().map_err(Status::code).copied() != first {
            return answer;
        }
    }
    Ok(())
}

fn text(it: &str) -> String {
    it.to_owned()
}

impl Stage {
    pub async fn set() -> Self {
        let app = App::start().await;
        let account = app.account("Pier Works").await;
        let person = async |name: &str| app.person(&account, &format!("{name}@example.com"), name, "").await;
        let (ada, bob, guest) =
            (person("ada").await, person("bob").await, app.guest(&account, "guest@example.com").await);
        let rash = [person("carl").await, person("dora").await, person("emil").await];
        let leaver = person("leaver").await;
        let stranger = app.account("Sea Works").await.admin;
        Self { account: account.id, admin: account.admin, app, ada, bob, rash, guest, leaver, stranger }
    }

    pub async fn sign_in(&self, email: &str) -> Answer {
        let message = SignInRequest { email: text(email), password: text("not the password") };
        self.app.sessions().sign_in(Request::new(message)).await.map(nothing)
    }

    pub async fn sign_in_too_often(&self) -> Answer {
        until_another(|| self.sign_in("guessed@example.com")).await
    }

    pub async fn sign_out_as_a_service(&self) -> Answer {
        let key = self.app.key(&["act"]).await;
        let mut request = by(&key, SignOutRequest {});
        request.metadata_mut().insert("x-on-behalf-of", self.ada.id.to_string().parse().unwrap());
        self.app.sessions().sign_out(request).await.map(nothing)
    }

    pub async fn list_sessions(&self, page_size: i32, page_token: &str) -> Answer {
        let message = ListSessionsRequest { page_size, page_token: text(page_token) };
        self.app.sessions().list_sessions(by(&self.ada.token, message)).await.map(nothing)
    }

    pub async fn revoke(&self, session_id: &str) -> Answer {
        let message = RevokeSessionRequest { session_id: text(session_id) };
        self.app.sessions().revoke_session(by(&self.ada.token, message)).await.map(nothing)
    }

    pub async fn revoke_one_of_bobs(&self) -> Answer {
        let message = ListSessionsRequest::default();
        let listed = self.app.sessions().list_sessions(by(&self.bob.token, message)).await?.into_inner();
        self.revoke(&listed.sessions[0].session_id).await
    }

    pub async fn ask_for_a_reset(&self, email: &str) -> Answer {
        let message = RequestPasswordResetRequest { email: text(email) };
        self.app.sessions().request_password_reset(Request::new(message)).await.map(nothing)
    }

    pub async fn ask_for_a_reset_too_often(&self) -> Answer {
        until_another(|| self.ask_for_a_reset("nobody@example.com")).await
    }

    pub async fn reset(&self, token: &str, new_password: &str) -> Answer {
        let message = ResetPasswordRequest { token: text(token), new_password: text(new_password) };
        self.app.sessions().reset_password(Request::new(message)).await.map(nothing)
    }

    pub async fn reset_to_something_short(&self) -> Answer {
        self.ask_for_a_reset(&self.bob.email).await?;
        self.reset(&mailed_token(&self.app, "PASSWORD_RESET_ASKED").await.unwrap(), "short").await
    }

    async fn change(&self, who: &Person, current_password: &str, new_password: &str) -> Answer {
        let (current_password, new_password) = (text(current_password), text(new_password));
        let message = ChangePasswordRequest { current_password, new_password };
        self.app.sessions().change_password(by(&who.token, message)).await.map(nothing)
    }

    pub async fn change_password(&self, current_password: &str, new_password: &str) -> Answer {
        self.change(&self.ada, current_password, new_password).await
    }

    pub async fn change_password_too_often(&self) -> Answer {
        until_another(|| self.change(&self.rash[0], "not the password", "a long walk off the pier")).await
    }

    pub async fn policy_with(&self, token: &str) -> Answer {
        self.app.sessions().get_password_policy(by(token, GetPasswordPolicyRequest {})).await.map(nothing)
    }

    pub async fn check_password(&self, password: &str) -> Answer {
        let message = CheckPasswordRequest { password: text(password) };
        self.app.sessions().check_password(by(&self.ada.token, message)).await.map(nothing)
    }

    pub async fn profile(&self, user_id: &str) -> Answer {
        let message = GetProfileRequest { user_id: text(user_id) };
        self.app.profiles().get_profile(by(&self.ada.token, message)).await.map(nothing)
    }

    pub async fn profile_of_a_stranger(&self) -> Answer {
        self.profile(&self.stranger.id.to_string()).await
    }

    pub async fn profiles(&self, count: usize) -> Answer {
        let message = BatchGetProfilesRequest { user_ids: (0..count).map(|_| ids::new().to_string()).collect() };
        self.app.profiles().batch_get_profiles(by(&self.ada.token, message)).await.map(nothing)
    }

    pub async fn constraints_with(&self, token: &str) -> Answer {
        self.app.profiles().get_profile_constraints(by(token, GetProfileConstraintsRequest {})).await.map(nothing)
    }

    async fn write(&self, profile: Profile, path: &str, etag: &str) -> Answer {
        let update_mask = Some(prost_types::FieldMask { paths: vec![text(path)] });
        let message = UpdateProfileRequest { profile: Some(profile), update_mask, etag: text(etag) };
        self.app.profiles().update_profile(by(&self.ada.token, message)).await.map(nothing)
    }

    pub async fn update(&self, path: &str, extension: &str, etag: &str) -> Answer {
        self.write(Profile { extension: text(extension), ..Default::default() }, path, etag).await
    }

    pub async fn update_bob(&self) -> Answer {
        let address = Some(Address { city: text("Redcar"), ..Default::default() });
        let profile = Profile { user_id: self.bob.id.to_string(), address, ..Default::default() };
        self.write(profile, "address", "").await
    }

    async fn ask(&self, who: &Person, new_email: &str, password: &str) -> Answer {
        let message = RequestEmailChangeRequest { new_email: text(new_email), password: text(password) };
        self.app.profiles().request_email_change(by(&who.token, message)).await.map(nothing)
    }

    pub async fn ask_for_address(&self, new_email: &str, password: &str) -> Answer {
        self.ask(&self.bob, new_email, password).await
    }

    pub async fn ask_for_address_too_often(&self) -> Answer {
        until_another(|| self.ask(&self.rash[1], "new@example.com", "not the password")).await
    }

    pub async fn confirm_address(&self, token: &str) -> Answer {
        let message = ConfirmEmailChangeRequest { token: text(token) };
        self.app.profiles().confirm_email_change(Request::new(message)).await.map(nothing)
    }

    async fn upload(&self, messages: Vec<UploadPictureRequest>) -> Answer {
        self.app.profiles().upload_picture(by(&self.ada.token, stream::iter(messages))).await.map(nothing)
    }

    pub async fn upload_of(&self, file: impl AsRef<[u8]>) -> Answer {
        self.upload(messages(file.as_ref(), 1 << 20)).await
    }

    pub async fn upload_cut(&self) -> Answer {
        let file = jpeg(64, 64);
        self.upload_of(&file[..file.len() / 2]).await
    }

    /// A BMP that says it has a side of 10,001 pixels.
    pub async fn upload_huge(&self) -> Answer {
        let mut file = b"BM".to_vec();
        for word in [54_u32, 0, 54, 40, 10_001, 1, 1 | 24 << 16, 0, 0, 0, 0, 0, 0] {
            file.extend_from_slice(&word.to_le_bytes());
        }
        self.upload_of(file).await
    }

    pub async fn upload_shortened(&self) -> Answer {
        let mut messages = messages(&jpeg(64, 64), 512);
        messages.pop();
        self.upload(messages).await
    }

    pub async fn upload_other_bytes(&self) -> Answer {
        let mut messages = messages(&jpeg(64, 64), 1 << 20);
        let Some(Part::Chunk(chunk)) = &messages[1].part else { panic!("the bytes come second") };
        let mut other = chunk.to_vec();
        other[100] ^= 1;
        messages[1].part = Some(Part::Chunk(other.into()));
        self.upload(messages).await
    }

    pub async fn upload_crop_outside(&self) -> Answer {
        let file = jpeg(64, 64);
        let mut first = metadata(&file);
        first.crop = Some(PictureCrop { left: 1, top: 0, side: 64 });
        let mut messages = messages(&file, 1 << 20);
        messages[0] = announced(first);
        self.upload(messages).await
    }

    /// The metadata and no more.
    async fn upload_nothing(&self, who: &Person) -> Answer {
        let first = announced(metadata(&jpeg(64, 64)));
        let messages = stream::iter([first]).chain(stream::pending());
        self.app.profiles().upload_picture(by(&who.token, messages)).await.map(nothing)
    }

    pub async fn upload_silently(&self) -> Answer {
        self.upload_nothing(&self.ada).await
    }

    pub async fn upload_a_third_time(&self) -> Answer {
        let who = &self.rash[2];
        let uploads = [(); 3].map(|()| Box::pin(self.upload_nothing(who)));
        // Those that have a place wait until they are late; the one that has none is told at once.
        future::select_all(uploads).await.0
    }

    pub async fn picture(&self, user_id: &str, size_px: i32) -> Answer {
        let message = GetPictureRequest { user_id: text(user_id), size_px, ..Default::default() };
        self.app.profiles().get_picture(by(&self.ada.token, message)).await.map(nothing)
    }

    pub async fn picture_of_a_stranger(&self) -> Answer {
        self.picture(&self.stranger.id.to_string(), 0).await
    }

    async fn delete_picture(&self, of: &Person) -> Answer {
        let message = DeletePictureRequest { user_id: of.id.to_string() };
        self.app.profiles().delete_picture(by(&self.ada.token, message)).await.map(nothing)
    }

    pub async fn delete_picture_of_a_stranger(&self) -> Answer {
        self.delete_picture(&self.stranger).await
    }

    pub async fn delete_picture_of_bob(&self) -> Answer {
        self.delete_picture(&self.bob).await
    }

    pub async fn changes(&self, page_size: i32, page_token: &str) -> Answer {
        let message = ListProfileChangesRequest { page_size, page_token: text(page_token) };
        self.app.profiles().list_profile_changes(by(&self.ada.token, message)).await.map(nothing)
    }

    async fn watch(&self, who: &Person, account_id: &str, after: &str) -> Answer {
        let message = WatchProfilesRequest { account_id: text(account_id), after: text(after) };
        self.app.profiles().watch_profiles(by(&who.token, message)).await.map(nothing)
    }

    pub async fn watch_the_account(&self, account_id: &str) -> Answer {
        self.watch(&self.ada, account_id, "").await
    }

    pub async fn watch_as_a_stranger(&self) -> Answer {
        self.watch(&self.stranger, &self.account.to_string(), "").await
    }

    pub async fn watch_as_a_guest(&self) -> Answer {
        self.watch(&self.guest, &self.account.to_string(), "").await
    }

    pub async fn watch_after(&self, after: &str) -> Answer {
        self.watch(&self.ada, &self.account.to_string(), after).await
    }

    /// Watches, and lets the server stop when everything was told.
    pub async fn watch_until_the_end(&self) -> Answer {
        let message = WatchProfilesRequest { account_id: self.account.to_string(), after: String::new() };
        let mut stream = self.app.profiles().watch_profiles(by(&self.ada.token, message)).await?.into_inner();
        while let Some(answer) = stream.message().await? {
            if matches!(answer.event, Some(Event::CaughtUp(_))) {
                self.app.parts().draining.cancel();
            }
        }
        Ok(())
    }
}
