//! A person's decision to correct an account × every fault: whoever decides again comes to what a world without faults came to.

use crate::stage::{FIRST, Picture, Stage, ago, empty_school, link, mail};
use rollbook_core::model::MoodleUserId;
use rollbook_core::plan::CorrectionKind;
use rollbook_journal::AttentionFilter;
use rollbook_sandbox::{Fault, FeedRow, Kind, MOODLE_TOKEN, Target, cut};
use rollbook_sync::flows::correct::{CorrectError, Corrected, CorrectionRequest, correct_account};
use std::time::Duration;

const UPDATE: &str = "core_user_update_users";
/// So long is an answer waited for that does not come.
const PATIENCE: Duration = Duration::from_millis(1_200);

/// A decision, by the kind of item that it is about.
#[derive(Clone, Copy, Debug)]
enum Decision {
    UseAccount,
    UpdateMail,
}

const DECISIONS: [Decision; 2] = [Decision::UseAccount, Decision::UpdateMail];

/// A school where somebody came back under another GUID, and somebody has another address.
struct Scene {
    stage: Stage,
    request: CorrectionRequest,
}

impl Scene {
    async fn new(decision: Decision) -> Self {
        let mut world = empty_school();
        world.moodle.list_function(MOODLE_TOKEN, UPDATE);
        world.moodle.grant(MOODLE_TOKEN, "moodle/user:update");
        world.elm.push(FeedRow::enrol("NEW-GUID", &mail("E22"), FIRST, ago(45)));
        world.elm.push(FeedRow::enrol("E20", "another@example.org", FIRST, ago(44)));
        let stage = Stage::new(world).await;
        stage.round().await.unwrap();
        let items = stage.journal.attention().list(&AttentionFilter::default(), 10).await.unwrap();
        let user = stage.sandbox.world().moodle.users.iter().find(|user| user.idnumber == "E22").unwrap().id;
        let (kind, ask) = match decision {
            Decision::UseAccount => ("guid_changed", CorrectionKind::UseAccount(MoodleUserId(user))),
            Decision::UpdateMail => ("mail_mismatch", CorrectionKind::UpdateMail),
        };
        let item = items.iter().find(|item| item.kind == kind && item.link == link()).unwrap().id;
        Self { stage, request: CorrectionRequest { item, ask, author: "jo".to_owned() } }
    }

    async fn decide(&self) -> Result<Corrected, CorrectError> {
        let Stage { journal, clock, stop, .. } = &self.stage;
        correct_account(&self.stage.flow(), journal, clock, &self.request, stop).await
    }

    /// The sites are well, and the person decides again where the item is still open.
    async fn end(&self, what: &str) -> Picture {
        self.stage.sandbox.faults().clear();
        self.stage.outlive_lease();
        if self.stage.journal.attention().find(self.request.item).await.unwrap().closed.is_none() {
            self.decide().await.unwrap_or_else(|error| panic!("{what}: the second decision failed: {error:?}"));
        }
        self.stage.settle(what).await;
        self.stage.picture().await
    }
}

async fn twin(decision: Decision) -> Picture {
    let scene = Scene::new(decision).await;
    scene.decide().await.unwrap();
    assert_eq!(scene.stage.sandbox.calls().of(UPDATE), 1);
    let closed = scene.stage.journal.attention().find(scene.request.item).await.unwrap().closed;
    assert!(closed.is_some(), "the item is settled by the decision");
    scene.end("the twin").await
}

async fn play(decision: Decision, kind: Kind, twin: &Picture) {
    let what = format!("{decision:?} {kind:?}");
    let mut scene = Scene::new(decision).await;
    if Kind::SILENT.contains(&kind) {
        scene.stage.timeout = PATIENCE;
    }
    scene.stage.sandbox.faults().arm(Fault::nth(Target::Moodle(Some(UPDATE)), 1, kind));
    // It may fail, or find that it was done after all: what counts is how it ends.
    let first = scene.decide().await;
    assert_eq!(scene.stage.sandbox.faults().fired().len(), 1, "{what}");
    if let Err(error) = &first {
        assert!(matches!(error, CorrectError::NotDone { .. }), "{what}: {error:?}");
    }
    scene.end(&what).await.assert_like(twin, &what);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_correction_that_fails_is_made_by_deciding_again() {
    for decision in DECISIONS {
        let twin = twin(decision).await;
        for kind in Kind::LOUD.into_iter().chain(Kind::SILENT) {
            play(decision, kind, &twin).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_death_while_correcting_is_repaired_by_deciding_again() {
    for decision in DECISIONS {
        let twin = twin(decision).await;
        let mut polls = 1;
        loop {
            let scene = Scene::new(decision).await;
            let ended = cut(scene.decide(), polls).await;
            let what = format!("{decision:?}, death after {polls} polls");
            scene.end(&what).await.assert_like(&twin, &what);
            if ended {
                break;
            }
            polls += 5 + polls / 8;
        }
        assert!(polls > 20, "a correction that is polled {polls} times is none");
    }
}
