//! The imports that are refused.

use futures_util::{
    future,
    stream::{self, StreamExt},
};
use uuid::Uuid;
use workcenter::{
    ids,
    pb::{
        AddCollaboratorRequest, ArchiveWorkCenterRequest, ImportDocumentsMetadata, ImportDocumentsRequest,
        WorkCenterRole,
    },
};

use super::{Answer, Person, Stage, by, nothing, text};
use crate::{
    bulk::to,
    import::{
        announced, first, messages,
        pack::{archive, deflated, large_end, stored},
    },
};

impl Stage {
    async fn send_import(&self, who: &Person, messages: Vec<ImportDocumentsRequest>) -> Answer {
        self.app.contents().import_documents(by(&who.token, stream::iter(messages))).await.map(nothing)
    }

    async fn import_of(&self, bytes: &[u8]) -> Answer {
        let (space, _) = self.filed().await;
        self.send_import(&self.ada, messages(announced(space, bytes), bytes)).await
    }

    async fn import_by(&self, who: &Person, metadata: ImportDocumentsMetadata) -> Answer {
        self.send_import(who, messages(metadata, &sound())).await
    }

    pub async fn import_to_nowhere(&self) -> Answer {
        self.import_by(&self.ada, ImportDocumentsMetadata { target: None, ..announced(Uuid::nil(), &sound()) }).await
    }

    pub async fn import_another_archive(&self) -> Answer {
        let (space, _) = self.filed().await;
        let metadata = ImportDocumentsMetadata { sha256: "0".repeat(64), ..announced(space, &sound()) };
        self.import_by(&self.ada, metadata).await
    }

    pub async fn import_a_byte_too_much(&self) -> Answer {
        let (space, _) = self.filed().await;
        let metadata = ImportDocumentsMetadata { size_bytes: (1 << 30) + 1, ..announced(space, &sound()) };
        self.import_by(&self.ada, metadata).await
    }

    pub async fn import_no_archive(&self) -> Answer {
        self.import_of(b"no archive").await
    }

    pub async fn import_too_much(&self) -> Answer {
        self.import_of(&large_end(100_001, 0, 0)).await
    }

    pub async fn import_a_bomb(&self) -> Answer {
        self.import_of(&archive(&[deflated("blank", &vec![0; 1 << 20])])).await
    }

    pub async fn import_an_archive_as_a_stranger(&self) -> Answer {
        let (space, _) = self.filed().await;
        self.import_by(&self.stranger, announced(space, &sound())).await
    }

    pub async fn import_while_too_many_wait(&self) -> Answer {
        let (admin, _, space, _) = self.crowded().await;
        self.import_by(&admin, announced(space, &sound())).await
    }

    pub async fn import_to_where_nothing_is(&self) -> Answer {
        let (space, _) = self.filed().await;
        let target = to(space, Some(ids::new()));
        self.import_by(&self.ada, ImportDocumentsMetadata { target, ..announced(space, &sound()) }).await
    }

    pub async fn import_as_a_reader(&self) -> Answer {
        let (space, _) = self.filed().await;
        let (workcenter_id, user_id) = (space.to_string(), self.bob.id.to_string());
        let message = AddCollaboratorRequest { workcenter_id, user_id, role: WorkCenterRole::Reader.into() };
        self.app.workcenters().add_collaborator(by(&self.ada.token, message)).await?;
        self.import_by(&self.bob, announced(space, &sound())).await
    }

    pub async fn import_to_where_it_is_archived(&self) -> Answer {
        let (space, _) = self.filed().await;
        let message = ArchiveWorkCenterRequest { workcenter_id: space.to_string() };
        self.app.workcenters().archive_work_center(by(&self.ada.token, message)).await?;
        self.import_by(&self.ada, announced(space, &sound())).await
    }

    pub async fn import_two_archives_by_one_request(&self) -> Answer {
        let (space, plans) = self.filed().await;
        let metadata =
            ImportDocumentsMetadata { request_id: text(&ids::new().to_string()), ..announced(space, &sound()) };
        self.import_by(&self.ada, metadata.clone()).await?;
        self.import_by(&self.ada, ImportDocumentsMetadata { target: to(space, Some(plans)), ..metadata }).await
    }

    /// The metadata and no more.
    async fn import_nothing(&self, space: Uuid) -> Answer {
        let messages = stream::iter([first(announced(space, &sound()))]).chain(stream::pending());
        self.app.contents().import_documents(by(&self.ada.token, messages)).await.map(nothing)
    }

    pub async fn import_an_archive_silently(&self) -> Answer {
        self.import_nothing(self.filed().await.0).await
    }

    pub async fn import_a_third_archive(&self) -> Answer {
        let (space, _) = self.filed().await;
        let imports = [(); 3].map(|()| Box::pin(self.import_nothing(space)));
        // Those that have a place wait until they are late; the one that has none is told at once.
        future::select_all(imports).await.0
    }
}

/// An archive in which there is a document.
fn sound() -> Vec<u8> {
    archive(&[stored("plan", b"plan")])
}
