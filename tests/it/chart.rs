//! The chart in `helm/` keeps step with the programs: their settings with defaults and sentences, their ports and version.
//!
//! These tests read the chart as it stands, without helm. What comes of it is looked at by `bin/dev/chart`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use clap::CommandFactory;
use workcenter::config;
use yaml_rust2::{Yaml, YamlLoader};

use crate::architecture::source::root;

/// What the chart decides by itself, in its templates, and why it is no value.
const DECIDED: [(&str, &str); 20] = [
    ("DATABASE_URL", "is secret, and comes from the Secret"),
    ("TOKEN_KEY", "is secret, and comes from the Secret"),
    ("TOKEN_KEYS_OLD", "as above"),
    ("AWS_ACCESS_KEY_ID", "as above"),
    ("AWS_SECRET_ACCESS_KEY", "as above"),
    ("AWS_SESSION_TOKEN", "as above"),
    ("SMTP_PASSWORD", "as above"),
    ("SMTP_CA_FILE", "is where the Secret is mounted"),
    ("DKIM_KEY_FILE", "as above"),
    ("DATABASE_CA_FILE", "as above"),
    ("TLS_CERT_FILE", "as above"),
    ("TLS_KEY_FILE", "as above"),
    ("TLS_CLIENT_CA_FILE", "as above"),
    ("SERVER_LISTEN", "has a pod to itself, and the port is what probes and Services know"),
    ("DAEMON_LISTEN", "as above"),
    ("DAEMON_HTTP_LISTEN", "as above"),
    ("METRICS_LISTEN", "as above"),
    ("HEALTH_LISTEN", "as above"),
    ("BLOB_DIR", "is where the volume is"),
    ("MAIL_DIR", "is below /tmp, for nothing else can be written to"),
];

/// Values whose default is not the program's, and why.
const OTHERWISE: [(&str, &str); 3] = [
    ("MAIL_FROM", "must be given with a relay, which the program's example would hide"),
    ("APP_URL", "as above"),
    ("UNSUBSCRIBE_URL", "as above"),
];

/// What a program says of a setting.
struct Setting {
    default: String,
    sentence: String,
}

/// The settings of a program by the names of their variables. An absent default is an empty one, as in the chart.
fn settings(program: &clap::Command) -> BTreeMap<String, Setting> {
    let arguments = program.get_arguments().filter(|it| it.get_env().is_some());
    arguments
        .map(|it| {
            let text = |it: &std::ffi::OsStr| it.to_str().unwrap().to_owned();
            let given = it.get_default_values().first().map(|it| text(it));
            let default = if it.get_action().takes_values() { given.unwrap_or_default() } else { "false".to_owned() };
            let sentence = it.get_help().unwrap().to_string();
            (text(it.get_env().unwrap()), Setting { default, sentence })
        })
        .collect()
}

/// The settings of both programs, of the server alone and of the daemon alone, under their names in the chart's values.
fn groups() -> [(&'static str, BTreeMap<String, Setting>); 3] {
    let (mut server, mut daemon) = (settings(&config::Server::command()), settings(&config::Daemon::command()));
    let shared: BTreeMap<_, _> = server.extract_if(.., |name, _| daemon.remove(name).is_some()).collect();
    [("shared", shared), ("server", server), ("daemon", daemon)]
}

/// As [`groups`], less what the chart decides.
fn values_due() -> [(&'static str, BTreeMap<String, Setting>); 3] {
    groups().map(|(group, mut settings)| {
        settings.retain(|name, _| DECIDED.iter().all(|(it, _)| it != name));
        (group, settings)
    })
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join("helm").join(path)).unwrap()
}

fn values() -> Yaml {
    YamlLoader::load_from_str(&read("values.yaml")).unwrap().remove(0)
}

/// The settings of one group as the chart's values have them, by the names of their variables.
fn given(values: &Yaml, group: &str) -> BTreeMap<String, String> {
    let settings = values["settings"][group].as_hash().unwrap();
    settings.iter().map(|(key, value)| (variable(key.as_str().unwrap()), scalar(value))).collect()
}

/// The variable that the templates make of a key: `drainSeconds` is `DRAIN_SECONDS`.
fn variable(key: &str) -> String {
    key.chars().flat_map(|it| it.is_uppercase().then_some('_').into_iter().chain(it.to_uppercase())).collect()
}

fn scalar(value: &Yaml) -> String {
    match value {
        Yaml::String(text) => text.clone(),
        Yaml::Integer(number) => number.to_string(),
        Yaml::Boolean(whether) => whether.to_string(),
        other => panic!("{other:?} is no value of a setting"),
    }
}

/// The templates, but for the alerts: what these name in capitals are codes of gRPC.
fn templates() -> String {
    let files = fs::read_dir(root().join("helm/templates")).unwrap().map(|it| it.unwrap().path());
    files.filter(|it| !it.ends_with("alerts.yaml")).map(|it| fs::read_to_string(it).unwrap()).collect()
}

#[test]
fn the_chart_has_every_setting_of_the_programs_and_none_besides() {
    let values = values();
    for (group, settings) in values_due() {
        let given: BTreeSet<_> = given(&values, group).into_keys().collect();
        assert_eq!(given, settings.into_keys().collect(), "settings.{group}");
    }
}

#[test]
fn templates_set_what_the_chart_decides_and_name_nothing_that_is_no_setting() {
    let templates = templates();
    let words = templates.split(|it: char| !it.is_ascii_alphanumeric() && it != '_');
    let variable = |it: &&str| it.contains('_') && !it.starts_with('_') && it.to_uppercase() == *it;
    let named: BTreeSet<_> = words.filter(variable).map(ToOwned::to_owned).collect();
    let known: BTreeSet<_> = groups().into_iter().flat_map(|(_, settings)| settings.into_keys()).collect();
    let strange: Vec<_> = named.difference(&known).collect();
    assert!(strange.is_empty(), "no settings: {strange:?}");
    for (name, reason) in DECIDED {
        assert!(known.contains(name) && named.contains(name), "{name}, which {reason}");
    }
}

#[test]
fn a_setting_has_the_default_of_its_program_unless_a_reason_is_given() {
    let values = values();
    for (group, settings) in values_due() {
        for (name, given) in given(&values, group) {
            let same = given == settings[&name].default;
            match OTHERWISE.iter().find(|(it, _)| *it == name) {
                None => assert!(same, "{name} is {given:?}, and {:?} in the program", settings[&name].default),
                Some((_, reason)) => assert!(!same, "{name} is the same, although it {reason}"),
            }
        }
    }
}

/// The keys of `values.yaml` in order, each by its path, with the comment that stands right above it.
fn comments() -> Vec<(String, String)> {
    let (mut keys, mut path, mut comment) = (Vec::new(), Vec::new(), Vec::new());
    for line in read("values.yaml").lines() {
        let text = line.trim_start();
        match (text.strip_prefix('#'), text.split_once(':')) {
            (Some(words), _) => comment.push(words.trim().to_owned()),
            (None, Some((key, _))) => {
                path.truncate((line.len() - text.len()) / 2);
                path.push(key.to_owned());
                keys.push((path.join("."), comment.join(" ")));
                comment.clear();
            }
            (None, None) => comment.clear(),
        }
    }
    keys
}

#[test]
fn every_value_has_a_comment_and_that_of_a_setting_is_its_programs_own_sentence() {
    let comments = comments();
    for (path, comment) in comments.iter().filter(|(path, _)| !path.contains(".resources.")) {
        assert!(!comment.is_empty(), "{path} has no comment");
    }
    for (group, settings) in values_due() {
        let group = format!("settings.{group}.");
        for (key, comment) in comments.iter().filter_map(|(path, it)| Some((path.strip_prefix(&group)?, it))) {
            let sentence = &settings[&variable(key)].sentence;
            assert!(comment.starts_with(sentence), "{group}{key} says {comment:?}, the program {sentence:?}");
        }
    }
}

/// Asserts that `schema` knows the keys of `values` and no others, and of what kind each is. What it says in one place for
/// several is below `shared`.
fn describes(schema: &serde_json::Value, shared: &serde_json::Value, values: &Yaml, path: &str) {
    let there = schema["$ref"].as_str().map(|it| it.strip_prefix("#/$defs/").unwrap());
    let schema = there.map_or(schema, |it| &shared[it]);
    let kind = match values {
        Yaml::Hash(_) => "object",
        Yaml::Array(_) => "array",
        Yaml::Integer(_) => "integer",
        Yaml::Boolean(_) => "boolean",
        _ => "string",
    };
    let is_number = kind == "integer" && schema["type"] == "number";
    assert!(
        schema["type"] == kind || is_number || schema["enum"].is_array(),
        "{path} is of the kind {kind} and not {schema}"
    );
    let (Yaml::Hash(values), Some(properties)) = (values, schema["properties"].as_object()) else { return };
    assert_eq!(schema["additionalProperties"], false, "{path} takes any key");
    // What is the same as somewhere else unless said otherwise.
    if values.is_empty() {
        return;
    }
    let mut properties: BTreeMap<_, _> = properties.iter().map(|(key, schema)| (key.as_str(), schema)).collect();
    properties.retain(|_, schema| schema["deprecated"] != true);
    for (key, value) in values {
        let key = key.as_str().unwrap();
        let path = format!("{path}.{key}");
        let schema = properties.remove(key);
        describes(schema.unwrap_or_else(|| panic!("{path} is not in the schema")), shared, value, &path);
    }
    assert!(properties.is_empty(), "{path} has no {properties:?}");
}

#[test]
fn the_schema_knows_every_value_and_is_complete_in_itself() {
    let schema = read("values.schema.json");
    let elsewhere = schema.matches("$ref").count() - schema.matches("\"$ref\": \"#/$defs/").count();
    assert_eq!(elsewhere, 0, "what the schema refers to may be out of reach");
    let mut schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    // Where the chart is a part of another, it is given these two as well.
    for key in ["global", "enabled"] {
        assert!(schema["properties"].as_object_mut().unwrap().remove(key).is_some(), "{key} is refused");
    }
    describes(&schema, &schema["$defs"], &values(), "values");
}

/// The values that the schema still knows and the chart does not, by their paths.
fn former(schema: &serde_json::Value, path: &str, found: &mut Vec<String>) {
    for (key, schema) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        if schema["deprecated"] == true {
            found.push(path.clone());
        }
        former(schema, &path, found);
    }
}

#[test]
fn a_value_that_is_called_otherwise_now_is_refused_by_both_of_its_names() {
    let renamed = read("templates/_renamed.tpl");
    let paths: BTreeSet<_> = comments().into_iter().map(|(path, _)| path).collect();
    let mut quoted = renamed.split('"').skip(1).step_by(2);
    let names: Vec<_> = quoted.by_ref().skip_while(|it| *it != "workcenter.renamed").skip(1).take(2).collect();
    let mut former_ones = Vec::new();
    former(&serde_json::from_str(&read("values.schema.json")).unwrap(), "", &mut former_ones);
    assert_eq!(former_ones, names[..1], "the schema would refuse it before the chart could say what it is called now");
    let now = names[1].split(',').next().unwrap();
    assert!(paths.contains(now) && !paths.contains(names[0]), "{names:?}");
}

#[test]
fn the_chart_says_what_it_is_and_brings_no_other() {
    let chart = YamlLoader::load_from_str(&read("Chart.yaml")).unwrap().remove(0);
    assert_eq!(chart["apiVersion"].as_str(), Some("v2"));
    assert!(chart["dependencies"].is_badvalue() && !root().join("helm/charts").exists());
    assert!(chart["icon"].as_str().unwrap().starts_with("data:"), "an icon elsewhere may be out of reach");
    assert!(chart["home"].as_str().is_some() && chart["sources"].as_vec().is_some_and(|it| !it.is_empty()));
    let told = |key: &str| chart["annotations"][format!("artifacthub.io/{key}").as_str()].as_str().unwrap().to_owned();
    assert_eq!(told("license"), "MIT OR Apache-2.0");
    assert!(told("images").contains(&format!("workcenter:{}", env!("CARGO_PKG_VERSION"))));
    for change in YamlLoader::load_from_str(&told("changes")).unwrap()[0].as_vec().unwrap() {
        assert!(change["kind"].as_str().is_some() && change["description"].as_str().is_some(), "{change:?}");
    }
}

#[test]
fn a_pod_that_ends_is_given_all_the_time_of_its_drain() {
    let templates = templates();
    let grace = templates.split("define \"workcenter.grace\"").nth(1).unwrap().split("end -").next().unwrap();
    let keys: Vec<_> = comments().into_iter().map(|(path, _)| path).filter(|it| it.contains(".drain")).collect();
    assert_eq!(keys, ["settings.shared.drainDelaySeconds", "settings.shared.drainSeconds"]);
    assert!(keys.iter().all(|it| grace.contains(&format!(".Values.{it} "))), "{keys:?} are not all in {grace:?}");
}

#[test]
fn pods_listen_for_everybody_at_the_ports_of_the_programs() {
    let templates = templates();
    for (_, settings) in groups() {
        for (name, Setting { default, .. }) in settings.iter().filter(|(name, _)| name.ends_with("_LISTEN")) {
            // Metrics and health by itself are served nowhere by default.
            let ports = match (name.as_str(), default.split_once(':')) {
                ("HEALTH_LISTEN", _) => vec!["8083", "8084"],
                (_, Some((_, port))) => vec![port],
                (_, None) => vec!["9090"],
            };
            for port in ports {
                assert!(templates.contains(&format!("{name}: \"0.0.0.0:{port}\"")), "{name} is not at {port}");
            }
        }
    }
}

#[test]
fn the_chart_is_of_the_version_of_the_programs() {
    let chart = YamlLoader::load_from_str(&read("Chart.yaml")).unwrap().remove(0);
    for key in ["version", "appVersion"] {
        assert_eq!(chart[key].as_str(), Some(env!("CARGO_PKG_VERSION")), "{key}");
    }
}

#[test]
fn the_image_has_every_program_and_is_made_by_a_rust_that_is_new_enough() {
    let dockerfile = read("Dockerfile");
    let script = fs::read_to_string(root().join("bin/dev/image")).unwrap();
    assert!(dockerfile.contains("bin/dev/image /image") && dockerfile.contains("COPY --from=build /image/ /"));
    for program in [config::Server::command(), config::Daemon::command(), config::Ctl::command()] {
        let programs = script.split("programs=(").nth(1).and_then(|it| it.split(')').next()).unwrap();
        assert!(programs.split(' ').any(|it| it == program.get_name()), "{programs} lacks {}", program.get_name());
    }
    assert!(dockerfile.contains("\nFROM scratch\n") && dockerfile.contains("\nUSER 65532:65532\n"));
    let numbers = |it: &str| it.split('.').map(|it| it.parse().unwrap()).collect::<Vec<u32>>();
    let rust = dockerfile.split("BUILD=rust:").nth(1).and_then(|it| it.split('-').next()).unwrap();
    assert!(numbers(rust) >= numbers(env!("CARGO_PKG_RUST_VERSION")), "{rust}");
}
