//! A thousand people with names as a western Canadian payroll might hold them. Nine in ten have an account.

use std::collections::HashSet;

use jiff::Timestamp;

use crate::moodle::User;
use crate::random::Random;
use crate::world::World;

/// People in the ordinary world.
const PEOPLE: usize = 1000;

/// Somebody in the HR system.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) guid: String,
    pub(super) email: String,
    pub(super) first: &'static str,
    pub(super) last: &'static str,
    /// Their account, if they have one.
    pub(super) user_id: Option<i64>,
}

const FIRST: [&str; 48] = [
    "Aisha",
    "Alex",
    "Amara",
    "Andrew",
    "Anika",
    "Arjun",
    "Ben",
    "Brooke",
    "Carlos",
    "Charlotte",
    "Chen",
    "Chloe",
    "Daniel",
    "Deepa",
    "Élise",
    "Emma",
    "Ethan",
    "Fatima",
    "Gabriel",
    "Grace",
    "Hannah",
    "Harpreet",
    "Hiroshi",
    "Ian",
    "Isabelle",
    "Jagdeep",
    "Jane",
    "José",
    "Kai",
    "Karen",
    "Liam",
    "Lindsay",
    "Mei",
    "Michael",
    "Nadia",
    "Noah",
    "Olivia",
    "Priya",
    "Quinn",
    "René",
    "Rosa",
    "Samir",
    "Sarah",
    "Thomas",
    "Uma",
    "Victor",
    "Wei",
    "Zoë",
];

const LAST: [&str; 48] = [
    "Adams",
    "Ahmed",
    "Anderson",
    "Bains",
    "Beaulieu",
    "Brown",
    "Campbell",
    "Chan",
    "Charlie",
    "Clarke",
    "Côté",
    "Dhaliwal",
    "Edwards",
    "Fraser",
    "Gagnon",
    "Garcia",
    "George",
    "Gill",
    "Grant",
    "Hall",
    "Hughes",
    "Jack",
    "Jensen",
    "Joseph",
    "Kaur",
    "Kim",
    "Larsen",
    "Lee",
    "Li",
    "MacDonald",
    "Martin",
    "Müller",
    "Nguyen",
    "Olsen",
    "Paul",
    "Peters",
    "Reid",
    "Sandhu",
    "Singh",
    "Smith",
    "Tanaka",
    "Taylor",
    "Thomas",
    "Wang",
    "White",
    "Wilson",
    "Wong",
    "Young",
];

pub(super) fn build(world: &mut World, random: &mut Random, now: Timestamp) -> Vec<Person> {
    let mut taken = HashSet::new();
    let mut people = Vec::with_capacity(PEOPLE);
    for number in 0..PEOPLE {
        let first = *random.pick(&FIRST);
        let last = *random.pick(&LAST);
        let guid = format!("{:016X}{:016X}", random.draw(), random.draw());
        let mut email = format!("{}.{}@gov.example", ascii(first), ascii(last));
        if !taken.insert(email.to_lowercase()) {
            email = format!("{}.{}{number}@gov.example", ascii(first), ascii(last));
            taken.insert(email.to_lowercase());
        }
        let has_account = !random.chance(100);
        let user_id = has_account.then(|| {
            let mut user = User::new(&guid, &email, first, last);
            user.timecreated = now.as_second() - 86_400 * (30 + random.below(700) as i64);
            user.timemodified = user.timecreated;
            world.moodle.users.insert(user)
        });
        people.push(Person { guid, email, first, last, user_id });
    }
    people
}

/// The letters that an address is made of.
fn ascii(name: &str) -> String {
    let folded = crate::moodle::fold(name);
    let mut letters = folded.chars().filter(char::is_ascii_alphanumeric);
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
