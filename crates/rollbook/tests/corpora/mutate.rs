//! Seeds, changed at random: what a fuzzer does, without its eyes. The same number gives the same inputs.

/// What the inputs are made of, so that a change sometimes means something.
const WORDS: [&[u8]; 24] = [
    b"null",
    b"true",
    b"[]",
    b"{}",
    b"\"\"",
    b"\"value\"",
    b"\"@odata.nextLink\":\"?x\"",
    b"\"data\"",
    b"\"links\"",
    b"\"exception\":\"x\"",
    b"\"errorcode\":\"y\"",
    b"-1",
    b"9223372036854775807",
    b"1e999",
    b"\\u0000",
    b"\\ud800",
    b"\xEF\xBB\xBF",
    b"\xFF",
    b"\r\n\r\n",
    b"HTTP/1.1 500 x\r\n",
    b"\"",
    b"=",
    b"token = ",
    b"[[",
];

/// Makes inputs of seeds.
pub struct Mutants {
    seeds: Vec<Vec<u8>>,
    state: u64,
}

impl Mutants {
    pub fn of(seeds: Vec<Vec<u8>>, number: u64) -> Self {
        Self { seeds, state: number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1 }
    }

    /// The next input: a seed after one to eight changes.
    pub fn next(&mut self) -> Vec<u8> {
        let at = self.below(self.seeds.len());
        let mut input = self.seeds[at].clone();
        for _ in 0..=self.below(8) {
            self.change(&mut input);
        }
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let (from, to) = self.range(input.len());
        match self.below(7) {
            0 => drop(input.drain(from..to)),
            1 => {
                let again = input[from..to].to_vec();
                input.splice(from..from, again);
            }
            2 => {
                let word = WORDS[self.below(WORDS.len())];
                input.splice(from..to, word.iter().copied());
            }
            3 => {
                let word = WORDS[self.below(WORDS.len())];
                input.splice(from..from, word.iter().copied());
            }
            4 => {
                let other = self.below(self.seeds.len());
                let (begin, end) = self.range(self.seeds[other].len());
                let part = self.seeds[other][begin..end].to_vec();
                input.splice(from..to, part);
            }
            5 => input.truncate(from),
            _ => {
                if let Some(byte) = input.get_mut(from) {
                    *byte ^= 1 << (self.state % 8);
                }
            }
        }
    }

    /// A short stretch of so many bytes, perhaps empty.
    fn range(&mut self, length: usize) -> (usize, usize) {
        let from = self.below(length + 1);
        (from, from + self.below((length - from).min(40) + 1))
    }

    /// A number below `limit`, by xorshift.
    fn below(&mut self, limit: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state % limit.max(1) as u64).unwrap()
    }
}
