# What `./dev package`, `./dev release` and `./dev fuzz` do. Sourced by ./dev, from the project's root.

PACKAGE=target/package
DIST=target/release-files

version() {
  sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1
}

# --- the Debian package ------------------------------------------------------------------------------------------------

# What the program says of itself, as files.
generate() {
  local rollbook=target/dist/rollbook shell
  rm -rf "$PACKAGE"
  mkdir -p "$PACKAGE/completions"
  "$rollbook" man-pages "$PACKAGE/man"
  for shell in bash zsh fish; do
    "$rollbook" completions-shell "$shell" >"$PACKAGE/completions/$shell"
  done
  mv "$PACKAGE/completions/bash" "$PACKAGE/completions/rollbook.bash"
  mv "$PACKAGE/completions/zsh" "$PACKAGE/completions/_rollbook"
  mv "$PACKAGE/completions/fish" "$PACKAGE/completions/rollbook.fish"
  gzip -9nc CHANGELOG.md >"$PACKAGE/changelog.gz"
  gzip -9n >"$PACKAGE/changelog.Debian.gz" <<CHANGES
rollbook ($(version)-1) unstable; urgency=medium

  * What changed is in changelog.gz.

 -- The Rollbook maintainers <rollbook@example.org>  $(date -R -u -d "@$(git log -1 --format=%ct)")
CHANGES
}

make_deb() {
  rm -f target/debian/*.deb
  cargo deb --no-build --no-strip --locked --profile dist -p rollbook
}

# systemd takes it, and says that little is left open; Debian's place of the binary is not this machine's.
examine_unit() {
  sed "s|/usr/bin/rollbook|$PWD/target/dist/rollbook|" packaging/rollbook.service >"$WORK/rollbook.service"
  systemd-analyze verify --man=no "$WORK/rollbook.service"
  systemd-analyze security --offline=true --threshold=15 --no-pager "$WORK/rollbook.service"
}

run_package() {
  export PATH="$PATH:$PWD/target/tools/bin"
  step "compiler" need_compiler
  step "packaging tool" tool cargo-deb cargo-deb
  command -v dpkg-shlibdeps >/dev/null && command -v lintian >/dev/null && command -v systemd-analyze >/dev/null ||
    step "Debian's tools" apt_install dpkg-dev lintian systemd
  step "build with all optimisations" cargo build --profile dist --locked --quiet -p rollbook
  step "manual pages and completions" generate
  step "Debian package" make_deb
  step "look at the package" packaging/look target/debian/*.deb
  step "lintian" lintian --fail-on error,warning --allow-root target/debian/*.deb
  step "the unit" examine_unit
  echo "  $(ls target/debian/*.deb)"
}

# --- a release -----------------------------------------------------------------------------------------------------------

# The same tree gives the same archive: sorted, owned by root, dated by the commit.
make_archive() {
  local name
  name="rollbook-$(version)-$(uname -m)-linux"
  rm -rf "$DIST"
  mkdir -p "$DIST/$name"
  cp -r target/dist/rollbook "$PACKAGE/man" "$PACKAGE/completions" packaging/rollbook.service rollbook.example.toml \
    README.md CHANGELOG.md LICENSE docs assets "$DIST/$name/"
  tar -C "$DIST" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$(git log -1 --format=%ct)" -cf - "$name" |
    gzip -9n >"$DIST/$name.tar.gz"
  rm -r "${DIST:?}/$name"
  cp target/debian/*.deb "$DIST/"
}

# Every crate that is in the binary, with its licence and its checksum: CycloneDX 1.5.
make_sbom() {
  cargo tree --locked -p rollbook -e normal,build --prefix none --no-dedupe --format '{p}|{l}' |
    sed 's/ (.*)|/|/; s/ (\*)//' | sort -u >"$WORK/crates"
  awk -v version="$(version)" -v date="$(date -u -d "@$(git log -1 --format=%ct)" +%FT%TZ)" -f packaging/sbom.awk \
    Cargo.lock "$WORK/crates" >"$DIST/rollbook-$(version).cdx.json"
}

# What a release says of itself: its part of the changelog.
make_notes() {
  awk -v version="$(version)" '
    /^## / { wanted = ($2 == version || $2 == "[" version "]" || $2 == "Unreleased") && !seen; seen = seen || wanted; next }
    wanted { print }' CHANGELOG.md >target/notes.md
  test -s target/notes.md
}

make_checksums() {
  (cd "$DIST" && sha256sum ./* >"$WORK/sums" && mv "$WORK/sums" SHA256SUMS && sha256sum --check --quiet SHA256SUMS)
}

run_release() {
  run_package
  step "archive" make_archive
  step "bill of materials" make_sbom
  step "checksums" make_checksums
  step "notes" make_notes
  ls -l "$DIST" | sed -n 's/^-[^ ]* *[^ ]* *[^ ]* *[^ ]* *\([0-9]*\) .* \(.*\)$/  \1 \2/p'
}

# --- fuzzing -------------------------------------------------------------------------------------------------------------

# libFuzzer with the pinned compiler: our own crates get counters (fuzz/instrument), no sanitiser. The code is safe Rust, and a
# panic is what we look for. The main lock file says the versions.
build_fuzz_targets() {
  cp Cargo.lock fuzz/Cargo.lock
  RUSTC_WRAPPER=$PWD/fuzz/instrument cargo build --quiet --manifest-path fuzz/Cargo.toml --target-dir target/fuzz
}

# So that no change breaks them unseen: what the lints have read already is used again, and nothing is linked.
check_fuzz_targets() {
  local folder
  folder=$(realpath -m "${CARGO_TARGET_DIR:-target}")
  mkdir -p "$folder"
  cp Cargo.lock fuzz/Cargo.lock
  : >"$folder/libnone.a"
  CUSTOM_LIBFUZZER_PATH=$folder/libnone.a cargo check --quiet --manifest-path fuzz/Cargo.toml --target-dir "$folder"
}

# What libFuzzer says of its work, from its log.
fuzzed() {
  local tried covered
  tried=$(sed -n 's/^stat::number_of_executed_units: *//p' "$WORK/log")
  covered=$(sed -n 's/^.* cov: \([0-9]*\) .*$/\1/p' "$WORK/log" | tail -n 1)
  echo "    $tried inputs, $covered places reached"
}

# ./dev fuzz [TARGET] [SECONDS]: each target, or one, for a minute or so long. An input that breaks a check is left in
# target/fuzz/broken: give it a name that says what it is, and put it into fuzz/seeds.
run_fuzz() {
  local target targets=(fuzz/targets/*.rs)
  if [[ "${1:-}" =~ ^[a-z]+$ ]]; then targets=("fuzz/targets/$1.rs") && shift; fi
  step "compiler" need_compiler
  command -v c++ >/dev/null || step "C++ compiler" apt_install g++
  step "build of the targets" build_fuzz_targets
  for target in "${targets[@]}"; do
    target=$(basename "$target" .rs)
    mkdir -p "target/fuzz/corpus/$target" target/fuzz/broken
    step "$target" "target/fuzz/debug/$target" "target/fuzz/corpus/$target" "fuzz/seeds/$target" \
      -artifact_prefix="target/fuzz/broken/$target-" -max_total_time="${1:-60}" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1
    fuzzed
  done
}
