//! What people were told, found in the mails themselves: everything, and once.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use crate::{harness::App, received::Received};

/// A number in a log.
type Place = (Uuid, i64);

/// What one person was told.
#[derive(Default)]
struct Told {
    /// How often by ranges.
    ranges: HashMap<Place, usize>,
    /// One by one, because it concerned them.
    single: Vec<Place>,
}

impl Told {
    /// Adds what a mail tells: numbers of ranges, and single ones that concerned its reader.
    fn add(&mut self, mail: &Received) {
        for part in mail.header("X-WorkCenter-Tells").unwrap().split(' ') {
            let (log, numbers) = part.split_once(':').unwrap();
            let log: Uuid = log.parse().unwrap();
            match numbers.split_once('-') {
                Some((first, last)) => {
                    for seq in first.parse().unwrap()..=last.parse().unwrap() {
                        *self.ranges.entry((log, seq)).or_default() += 1;
                    }
                }
                None => self.single.push((log, numbers.parse().unwrap())),
            }
        }
    }
}

/// Every event of every log since they came is in exactly one message to each of `people`, none of whom did any.
pub async fn once(app: &App, mails: &[Received], people: &[Uuid]) {
    let mut seen = HashSet::new();
    let mut told: HashMap<String, Told> = HashMap::new();
    for mail in mails.iter().filter(|it| seen.insert(it.message_id())) {
        told.entry(mail.to.clone()).or_default().add(mail);
    }
    let client = app.client().await;
    let heard = "select email, log_id, start_seq, last_seq from subscription join activity_head using (log_id)
        join person on person.id = user_id where user_id = any($1)";
    for row in client.query(heard, &[&people]).await.unwrap() {
        let (email, log): (String, Uuid) = (row.get("email"), row.get("log_id"));
        let told = told.entry(email.clone()).or_default();
        for seq in row.get::<_, i64>("start_seq") + 1..=row.get::<_, i64>("last_seq") {
            let times = told.ranges.remove(&(log, seq)).unwrap_or_default();
            // A range that was all mentions, told one by one, needs no mail of its own.
            let alone = times == 0 && told.single.contains(&(log, seq));
            assert!(times == 1 || alone, "{email} was told {times} times of {seq} of {log}");
        }
    }
    let concerned =
        "select email, array_agg(log_id order by log_id, seq) as logs, array_agg(seq order by log_id, seq) as seqs
        from person left join addressee on user_id = person.id where person.id = any($1) group by email";
    for row in client.query(concerned, &[&people]).await.unwrap() {
        let email: String = row.get("email");
        let (logs, seqs): (Vec<Option<Uuid>>, Vec<Option<i64>>) = (row.get("logs"), row.get("seqs"));
        let concerned: Vec<Place> = logs.into_iter().zip(seqs).filter_map(|(log, seq)| log.zip(seq)).collect();
        let told = told.entry(email.clone()).or_default();
        told.single.sort_unstable();
        assert_eq!(told.single, concerned, "{email} is told once of what concerns them");
        assert_eq!(told.ranges, HashMap::new(), "{email} was told of what was before them");
    }
}

/// How many messages came more than once. Each had been unknown to somebody as often, and has the same Date again.
pub async fn repeats(app: &App, mails: &[Received]) -> usize {
    let unknown =
        app.client().await.query("select message_id, unknowns from mail where unknowns > 0", &[]).await.unwrap();
    let unknown: HashMap<String, i64> = unknown.iter().map(|row| (row.get(0), row.get(1))).collect();
    let mut came: HashMap<String, (i64, String)> = HashMap::new();
    for mail in mails {
        let date = mail.header("Date").unwrap();
        let (times, first) = came.entry(mail.message_id()).or_insert_with(|| (0, date.clone()));
        *times += 1;
        assert_eq!(*first, date);
    }
    for (id, (times, _)) in &came {
        let unknowns = unknown.get(id.split('@').next().unwrap()).copied().unwrap_or_default();
        assert!(times - 1 <= unknowns, "{id} came {times} times, and was of unknown fate {unknowns} times");
    }
    mails.len() - came.len()
}
