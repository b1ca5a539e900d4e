//! How PostgreSQL has gone about a statement, as its module `auto_explain` says.

use std::collections::BTreeSet;

use serde_json::Value;

/// What is said before the plan.
const BEFORE: &str = "plan:\n";

/// How a statement was run.
pub struct Plan {
    /// Its text, on one line.
    pub statement: String,
    /// How many rows, and entries of indexes, were looked at, whatever came of them.
    pub rows: f64,
    /// How many pages were.
    pub pages: i64,
    /// The tables that were looked through from their beginning.
    pub scanned: BTreeSet<String>,
}

impl Plan {
    /// Reads a remark of the module; `None` for any other.
    pub fn read(remark: &str) -> Option<Self> {
        let (_, plan) = remark.split_once(BEFORE)?;
        let said: Value = serde_json::from_str(plan).unwrap();
        let words: Vec<_> = said["Query Text"].as_str().unwrap().split_whitespace().collect();
        let top = &said["Plan"];
        let pages = |name: &str| top[name].as_i64().unwrap_or(0);
        let pages = pages("Shared Hit Blocks") + pages("Shared Read Blocks");
        let mut plan = Self { statement: words.join(" "), rows: 0.0, pages, scanned: BTreeSet::new() };
        plan.add(top);
        Some(plan)
    }

    /// Adds a part of it, with all below.
    fn add(&mut self, node: &Value) {
        let number = |name: &str| node[name].as_f64().unwrap_or(0.0);
        let kind = node["Node Type"].as_str().unwrap();
        let is_table = !node["Relation Name"].is_null() && kind != "ModifyTable";
        let had = if is_table || !node["Index Name"].is_null() { number("Actual Rows") } else { 0.0 };
        let passed_over: f64 = ["Filter", "Index Recheck", "Join Filter"]
            .map(|by| number(&format!("Rows Removed by {by}")))
            .into_iter()
            .sum();
        self.rows += (had + passed_over) * number("Actual Loops");
        // One that was planned may never have begun.
        if kind == "Seq Scan" && number("Actual Loops") > 0.0 {
            self.scanned.insert(node["Relation Name"].as_str().unwrap().to_owned());
        }
        node["Plans"].as_array().into_iter().flatten().for_each(|it| self.add(it));
    }
}
