//! Every write of intake × every fault; then the sites are well again, and nothing may tell that they were not.

mod correct;
mod death;
mod matrix;
mod seeded;

use crate::stage::{Picture, Stage, school};
use tokio::sync::OnceCell;

/// What intake writes to Moodle.
const CREATE: &str = "core_user_create_users";
const ENROL: &str = "enrol_manual_enrol_users";

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
