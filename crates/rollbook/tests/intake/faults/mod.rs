//! Every write of intake × every fault; then the sites are well again, and nothing may tell that they were not.

mod death;
mod matrix;
mod seeded;

use crate::stage::{Picture, Stage, school};
use rollbook_sandbox::Kind;
use tokio::sync::OnceCell;

/// What intake writes to Moodle.
const CREATE: &str = "core_user_create_users";
const ENROL: &str = "enrol_manual_enrol_users";

/// Every way in which a call can fail, but silence and the loss of half a batch.
const LOUD: [Kind; 15] = [
    Kind::RefuseConnection,
    Kind::ResetBeforeEffect,
    Kind::ResetAfterEffect,
    Kind::ResetMidBody,
    Kind::HttpBeforeEffect(500),
    Kind::HttpAfterEffect(500),
    Kind::HttpBeforeEffect(503),
    Kind::HttpAfterEffect(504),
    Kind::Html200,
    Kind::TruncatedJson,
    Kind::EmptyBody200,
    Kind::ExceptionIn200 { errorcode: "dmlwriteexception" },
    Kind::ExceptionAfterEffect { errorcode: "dmlwriteexception" },
    Kind::ExceptionIn200 { errorcode: "sitemaintenance" },
    Kind::ExceptionIn200 { errorcode: "accessexception" },
];
const SILENT: [Kind; 2] = [Kind::TimeoutBeforeEffect, Kind::TimeoutAfterEffect];

/// What the same school comes to without any fault.
async fn twin() -> &'static Picture {
    static TWIN: OnceCell<Picture> = OnceCell::const_new();
    TWIN.get_or_init(|| async {
        let stage = Stage::new(school()).await;
        stage.round().await.unwrap();
        stage.settle("the twin").await;
        stage.picture().await
    })
    .await
}
