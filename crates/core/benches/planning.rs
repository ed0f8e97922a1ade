//! How long a plan of intake takes: `cargo bench -p rollbook-core --bench planning`.
//! A million records take too long for many rounds: see `examples/plan_million.rs`.

mod load;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use load::{Load, NOW};
use rollbook_core::guard::{IntakeView, check_intake};
use rollbook_core::plan::plan_intake;

fn planning(bench: &mut Criterion) {
    let policy = load::policy();
    let mut group = bench.benchmark_group("intake");
    group.sample_size(10);
    for records in [10_000, 100_000] {
        let load = Load::of(records);
        let inputs = load.inputs();
        group.throughput(Throughput::Elements(records));
        group.bench_function(format!("plan {records} records"), |bench| {
            bench.iter_batched(|| (), |()| plan_intake(&inputs, &policy, NOW), BatchSize::PerIteration);
        });
        let plan = plan_intake(&inputs, &policy, NOW);
        let view = IntakeView { plan: &plan, feed: &inputs, courses: inputs.courses, policy: &policy, now: NOW };
        group.bench_function(format!("check {records} records"), |bench| bench.iter(|| check_intake(&view)));
        group.bench_function(format!("digest {records} records"), |bench| bench.iter(|| plan.digest()));
    }
    group.finish();
}

criterion_group!(benches, planning);
criterion_main!(benches);
