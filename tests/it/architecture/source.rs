//! Reads the sources as far as the rules of the house need it: the paths that are named, and the texts that are quoted.

use std::{fs, path::Path};

/// A file of Rust. What stands in its inline `mod tests` is left out of everything but the number of lines.
pub struct Source {
    /// Relative to the repository, such as `src/profile/store.rs`.
    pub path: String,
    pub lines: usize,
    pub text: String,
    /// What stands between quotation marks, in order.
    pub literals: Vec<String>,
    /// Every path of two names or more, as in `["crate", "access", "Action"]`; nested imports are spread out.
    pub paths: Vec<Vec<String>>,
}

impl Source {
    fn new(path: String, text: &str) -> Self {
        let kept = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let (code, literals) = split(kept);
        let paths = paths(&tokens(&code));
        Self { path, lines: text.lines().count(), text: kept.to_owned(), literals, paths }
    }

    /// The module of ours that it belongs to: `profile` for `src/profile/store.rs`, `bin` for the programs.
    pub fn module(&self) -> &str {
        match self.path.strip_prefix("src/") {
            Some(rest) => rest.split('/').next().unwrap_or(rest).trim_end_matches(".rs"),
            None => "bin",
        }
    }

    /// Whether the whole file is tests.
    pub fn only_tests(&self) -> bool {
        self.path.ends_with("/tests.rs")
    }
}

/// Every file of Rust below these folders of the repository, sorted.
pub fn sources(folders: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    for folder in folders {
        gather(folder, &mut found);
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn gather(folder: &str, found: &mut Vec<Source>) {
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            gather(&path, found);
        } else if path.ends_with(".rs") {
            found.push(Source::new(path, &fs::read_to_string(entry.path()).unwrap()));
        }
    }
}

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Parts code from what is quoted in it, and drops the comments.
fn split(text: &str) -> (String, Vec<String>) {
    let (mut code, mut literals) = (String::new(), Vec::new());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let in_word = code.ends_with(|it: char| it.is_alphanumeric() || it == '_');
        if rest.starts_with("//") {
            rest = rest.find('\n').map_or("", |end| &rest[end..]);
        } else if let Some((open, close)) = raw(rest).filter(|_| !in_word) {
            let end = rest[open..].find(&close).expect("a raw string ends");
            literals.push(rest[open..open + end].to_owned());
            code.push_str("\"\"");
            rest = &rest[open + end + close.len()..];
        } else if first == '"' {
            let end = 1 + unescaped(&rest[1..], '"');
            literals.push(rest[1..end].to_owned());
            code.push_str("\"\"");
            rest = &rest[end + 1..];
        } else if first == '\'' && (rest[1..].starts_with('\\') || rest.chars().nth(2) == Some('\'')) {
            code.push_str("''");
            rest = &rest[unescaped(&rest[1..], '\'') + 2..];
        } else {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    (code, literals)
}

/// Where the content of the raw string begins that `text` begins with, and what ends it.
fn raw(text: &str) -> Option<(usize, String)> {
    let after = text.strip_prefix('r')?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then(|| (hashes + 2, format!("\"{}", "#".repeat(hashes))))
}

/// Where `mark` stands in `text` without a backslash before it.
fn unescaped(text: &str, mark: char) -> usize {
    let mut escaped = false;
    let found = text.find(|it| {
        let found = it == mark && !escaped;
        escaped = it == '\\' && !escaped;
        found
    });
    found.expect("a literal ends")
}

/// Names, `::`, and every other character for itself.
fn tokens(code: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = if first.is_alphanumeric() || first == '_' {
            rest.find(|it: char| !it.is_alphanumeric() && it != '_').unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        tokens.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    tokens
}

fn is_name(token: &str) -> bool {
    token.starts_with(|it: char| it.is_alphabetic() || it == '_')
}

fn paths(tokens: &[&str]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let goes_on = at > 0 && matches!(tokens[at - 1], "." | "::");
        if is_name(tokens[at]) && tokens.get(at + 1) == Some(&"::") && !goes_on {
            tree(tokens, &mut at, &mut Vec::new(), &mut found);
        } else {
            at += 1;
        }
    }
    found
}

/// Reads the path that begins at `at`, and every branch of it when it ends in braces.
fn tree(tokens: &[&str], at: &mut usize, before: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    let depth = before.len();
    loop {
        match tokens.get(*at) {
            Some(&name) if is_name(name) || name == "*" => before.push(name.to_owned()),
            Some(&"{") => {
                *at += 1;
                while tokens[*at] != "}" {
                    if tokens[*at] == "," {
                        *at += 1;
                    } else {
                        tree(tokens, at, before, found);
                    }
                }
                *at += 1;
                break;
            }
            _ => break,
        }
        *at += 1;
        if tokens.get(*at) != Some(&"::") {
            found.push(before.clone());
            break;
        }
        *at += 1;
        // What follows a turbofish belongs to the value, not to the path.
        if tokens.get(*at) == Some(&"<") {
            found.push(before.clone());
            break;
        }
    }
    if tokens.get(*at) == Some(&"as") && depth > 0 {
        *at += 2;
    }
    before.truncate(depth);
}

#[test]
fn paths_are_read_out_of_nested_imports_and_of_code_and_not_out_of_comments_and_texts() {
    let text = r###"
        //! Like `crate::nothing`.
        use crate::{a, b::{self, C}, d::*, e::F as G};
        fn f<'x>(h: &'x crate::h::H) {
            let _ = ("crate::text \" x", r#"crate::"raw"#, '"', i.j());
            k::l::<m::N>('\'');
        }
"###;
    let text = format!("{text}#[cfg(test)]\nmod tests {{\n    use crate::nothing;\n}}\n");
    let source = Source::new("src/room/mod.rs".to_owned(), &text);
    let paths: Vec<_> = source.paths.iter().map(|it| it.join("::")).collect();
    let imported = ["crate::a", "crate::b::self", "crate::b::C", "crate::d::*", "crate::e::F"];
    assert_eq!(paths[..5], imported);
    assert_eq!(paths[5..], ["crate::h::H", "k::l", "m::N"]);
    assert_eq!(source.literals, [r#"crate::text \" x"#, r#"crate::"raw"#]);
    assert_eq!(source.module(), "room");
}
