# Cargo.lock, then lines of `name vVERSION|LICENCE` → a bill of materials in CycloneDX's JSON.

function value(line) { split(line, parts, "\""); return parts[2] }

FNR == NR {
  if ($0 ~ /^name = /) name = value($0)
  if ($0 ~ /^version = /) of = value($0)
  if ($0 ~ /^checksum = /) sums[name " " of] = value($0)
  next
}

FNR == 1 {
  printf "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.5\",\"version\":1,\n"
  printf "\"metadata\":{\"timestamp\":\"%s\",\"component\":{\"type\":\"application\",\"bom-ref\":\"rollbook\",\"name\":\"rollbook\",", date
  printf "\"version\":\"%s\",\"licenses\":[{\"expression\":\"GPL-3.0-or-later\"}]}},\n\"components\":[", version
}

{
  split($0, halves, "|")
  split(halves[1], words, " ")
  crate = words[1]
  number = substr(words[2], 2)
  licence = halves[2]
  # The old way to write a choice.
  gsub(/ *\/ */, " OR ", licence)
  if (crate == "rollbook") next
  printf "%s\n{\"type\":\"library\",\"bom-ref\":\"%s@%s\",\"name\":\"%s\",\"version\":\"%s\"", (count++ ? "," : ""), crate, number, crate, number
  if ((crate " " number) in sums)
    printf ",\"purl\":\"pkg:cargo/%s@%s\",\"hashes\":[{\"alg\":\"SHA-256\",\"content\":\"%s\"}]", crate, number, sums[crate " " number]
  if (licence != "") printf ",\"licenses\":[{\"expression\":\"%s\"}]", licence
  printf "}"
}

END { printf "\n]}\n" }
