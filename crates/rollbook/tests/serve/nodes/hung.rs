//! A node that hangs: alive, its connections open, and not renewing its lease. The other one takes over, and when the hung one
//! goes on where it stood, the fence keeps its writes out.

use super::{SEED, assert_one_at_a_time, config, slow};
use crate::world::{Process, Scene, link, run_now, until};
use rollbook_clock::Clock;
use rollbook_core::run::{EventKind, RunState};
use rollbook_journal::requests::{RequestId, RequestState};
use rollbook_journal::{RunFilter, RunRow};
use rollbook_sandbox::World;
use std::collections::BTreeMap;
use std::time::Duration;

/// What a node says when it finds that its work was taken over.
const IN_OTHER_HANDS: &str = "in other hands";

async fn runs(scene: &Scene) -> Vec<RunRow> {
    let filter = RunFilter { link: Some(link("psa")), ..RunFilter::default() };
    scene.journal.runs().list(&filter).await.unwrap()
}

async fn ask(scene: &Scene) -> RequestId {
    scene.journal.requests().put(&run_now("psa"), "jo", Clock::system().now()).await.unwrap()
}

/// Who has taken a request.
async fn node_of<'a>(nodes: &'a [Process], scene: &Scene, id: RequestId) -> &'a Process {
    let name = scene.journal.requests().find(id).await.unwrap().unwrap().node.unwrap();
    nodes.iter().find(|node| Some(node.name.as_str()) == name.split('/').next()).unwrap()
}

/// The kinds of what a run wrote.
async fn written(scene: &Scene, run: &RunRow) -> Vec<EventKind> {
    let events = scene.journal.runs().events(&run.id, 0, 100_000).await.unwrap();
    events.into_iter().map(|event| event.kind).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hung_nodes_run_is_taken_over_within_thirty_seconds_and_its_late_writes_are_refused() {
    let scene = Scene::postgres(World::demo(SEED, Clock::system().now()), &config("20s")).await;
    let nodes = [scene.start("a"), scene.start("b")];
    until("both serve", || async { scene.journal.nodes().list().await.unwrap().len() == 2 }).await;
    for round in 0..2 {
        slow(&scene.sandbox, 400);
        let (before, calls) = (runs(&scene).await.len(), scene.sandbox.calls().total());
        let id = ask(&scene).await;
        until("a node works on the link", || async {
            runs(&scene).await.len() > before && scene.sandbox.calls().total() > calls + 2 + round
        })
        .await;
        let hung = node_of(&nodes, &scene, id).await;
        let refusals = scene.log(&hung.name).matches(IN_OTHER_HANDS).count();
        hung.signal("STOP");
        let timer = Clock::system().timer();
        until("the other node runs the link", || async { runs(&scene).await.len() == before + 2 }).await;
        let after = timer.elapsed();
        assert!(after < Duration::from_secs(30), "round {round}: taken over after {after:?}");
        slow(&scene.sandbox, 0);
        scene.finished(&[id]).await;
        assert_ne!(node_of(&nodes, &scene, id).await.name, hung.name);
        assert_eq!(scene.journal.requests().find(id).await.unwrap().unwrap().state, RequestState::Done);
        let stale = runs(&scene).await.remove(1);
        let left = written(&scene, &stale).await;
        hung.signal("CONT");
        until("the hung node sees what it lost", || async {
            scene.log(&hung.name).matches(IN_OTHER_HANDS).count() > refusals
        })
        .await;
        let again = ask(&scene).await;
        scene.finished(&[again]).await;
        assert_eq!(written(&scene, &stale).await, left, "nothing was written after it was taken over");
        assert_eq!(runs(&scene).await[2].state, RunState::Abandoned);
    }
    assert_one_at_a_time(&scene).await;
    let world = scene.sandbox.world();
    let mut welcomed = BTreeMap::<(Vec<String>, String), u32>::new();
    for mail in &world.mail.mails {
        *welcomed.entry((mail.to.clone(), mail.subject())).or_default() += 1;
    }
    assert!(welcomed.values().all(|count| *count == 1), "{welcomed:#?}");
    drop(world);
    drop(nodes);
    scene.end().await;
}
