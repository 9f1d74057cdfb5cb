//! Reads the requirement table from its TOML files and lints it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use include_dir::{Dir, include_dir};
use toml::Spanned;
use toml::de::DeValue;

use super::reader::{Section, Slips, as_word};
use super::{McpVersion, Party, Rule, Rules, Table, Versions};
use crate::diag::{Diagnostic, Source};

/// The table inside the binary.
pub(super) fn embedded() -> Result<Rules, Vec<Diagnostic>> {
    let mut sources: Vec<Source> = RULES
        .files()
        .filter(|file| file.path().extension().is_some_and(|extension| extension == "toml"))
        .map(|file| {
            let text = file.contents_utf8().expect("suites/rules holds UTF-8 only; a test reads every file");
            Source::new(format!("suites/rules/{}", file.path().display()), text)
        })
        .collect();
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    read(&sources, &Source::new("suites/not-tested.tsv", NOT_TESTED))
}

/// The table of a suites folder, or the embedded one if the folder has none.
pub(super) fn folder(dir: &Path) -> Result<Rules, Vec<Diagnostic>> {
    let rules = dir.join("rules");
    if !rules.is_dir() {
        return Ok(Rules::embedded().clone());
    }
    let mut slips = Vec::new();
    let sources: Vec<Source> = files_of(&rules, &mut slips).iter().filter_map(|path| open(path, &mut slips)).collect();
    let excused = dir.join("not-tested.tsv");
    let excused = if excused.is_file() { open(&excused, &mut slips) } else { None };
    if !slips.is_empty() {
        return Err(slips);
    }
    read(&sources, &excused.unwrap_or_else(|| Source::new("not-tested.tsv", "")))
}

fn files_of(rules: &Path, slips: &mut Vec<Diagnostic>) -> Vec<std::path::PathBuf> {
    let entries = match std::fs::read_dir(rules) {
        Ok(entries) => entries,
        Err(error) => {
            slips.push(unreadable(rules, &error));
            return Vec::new();
        }
    };
    let mut paths: Vec<_> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    paths.sort();
    paths
}

fn open(path: &Path, slips: &mut Vec<Diagnostic>) -> Option<Source> {
    match std::fs::read_to_string(path) {
        Ok(text) => Some(Source::new(path.display().to_string(), text)),
        Err(error) => {
            slips.push(unreadable(path, &error));
            None
        }
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Diagnostic {
    let source = Source::new(path.display().to_string(), "");
    Diagnostic::new("unreadable", &source, 0..0, format!("failed to read {}: {error}", path.display()))
}

/// Every file, every slip.
fn read(sources: &[Source], excused: &Source) -> Result<Rules, Vec<Diagnostic>> {
    let mut table = Table::default();
    let mut homes: BTreeMap<String, String> = BTreeMap::new();
    let mut found = Vec::new();
    for source in sources {
        let mut slips = Slips::new(source.clone());
        let mut document = slips.parse(&source.text);
        for (id, entry) in document.drain() {
            let span = entry.span();
            let DeValue::Table(entries) = entry.into_inner() else {
                slips.add("type", id.span(), format!("`{}` is not a rule", id.get_ref()), "expected a table");
                continue;
            };
            if let Some(home) = homes.insert(id.get_ref().clone(), source.name.clone()) {
                let message = format!("rule `{}` is defined twice", id.get_ref());
                slips.add("duplicate", id.span(), message, format!("already in {home}"));
            }
            let section = Section::new(id.get_ref().clone(), entries, span);
            if let Some(rule) = rule(&id, section, &mut slips) {
                table.by_id.insert(rule.id.clone(), table.rules.len());
                table.rules.push(rule);
            }
        }
        found.extend(slips.into_found());
    }
    let mut slips = Slips::new(excused.clone());
    table.not_tested = not_tested(&excused.text, &table, &mut slips);
    found.extend(slips.into_found());
    if found.is_empty() { Ok(Rules { table: Arc::new(table) }) } else { Err(found) }
}

fn rule(id: &Spanned<String>, mut section: Section<'_>, slips: &mut Slips) -> Option<Rule> {
    if !well_named(id, slips) {
        return None;
    }
    let role = required_word(&mut section, "role", slips);
    let level = required_word(&mut section, "level", slips);
    let versions = versions(&mut section, slips);
    let mut sentence = |key| section.required_text(key, slips).map(Spanned::into_inner);
    let (source, requirement) = (sentence("source"), sentence("requirement"));
    let (observable, needs) = (sentence("observable"), sentence("needs"));
    let party = section.word::<Party>("party", slips);
    let remedy = section.required_text("remedy", slips);
    if let Some(remedy) = &remedy {
        lint_remedy(remedy, slips);
    }
    section.finish(slips);
    let role = role?;
    Some(Rule {
        id: id.get_ref().clone(),
        role,
        level: level?,
        versions: versions?,
        source: source?,
        requirement: requirement?,
        observable: observable?,
        needs: needs?,
        party: party.unwrap_or_else(|| Party::from(role)),
        remedy: remedy?.into_inner(),
    })
}

fn required_word<W: super::words::Word>(section: &mut Section<'_>, key: &'static str, slips: &mut Slips) -> Option<W> {
    let text = section.required_text(key, slips)?;
    as_word(&text, slips)
}

fn versions(section: &mut Section<'_>, slips: &mut Slips) -> Option<Versions> {
    let Some(entry) = section.take("versions") else {
        section.missing("versions", slips);
        return None;
    };
    let span = entry.span();
    match entry.into_inner() {
        DeValue::Array(items) => {
            let count = items.len();
            let mut listed: Vec<McpVersion> = items
                .into_iter()
                .filter_map(|item| as_word(&section.as_text("versions", item, slips)?, slips))
                .collect();
            if count == 0 {
                slips.add("empty", span, "a rule that binds no version", "");
            }
            listed.sort_unstable();
            listed.dedup();
            (!listed.is_empty()).then_some(Versions::Listed(listed))
        }
        DeValue::String(word) => match word.as_ref() {
            "all" => Some(Versions::Listed(McpVersion::ALL.to_vec())),
            "rfc-only" => Some(Versions::RfcOnly),
            word => match word.strip_prefix("ext:").filter(|name| !name.is_empty()) {
                Some(name) => Some(Versions::Extension(name.to_owned())),
                None => {
                    slips.unknown(span, "versions", word, &["all", "rfc-only", "ext:NAME"]);
                    None
                }
            },
        },
        other => section.mistyped("versions", "a word or a list", &other, span, slips),
    }
}

/// `area.name` in one quoted key; an unquoted header would be two nested tables.
fn well_named(id: &Spanned<String>, slips: &mut Slips) -> bool {
    let is_word = |part: &str| {
        let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !part.is_empty() && part.bytes().all(known)
    };
    let named = id.get_ref().split_once('.').is_some_and(|(area, name)| is_word(area) && is_word(name));
    if !named {
        let message = format!("`{}` is not a rule id", id.get_ref());
        let help = "an area and a name in quotes, such as [\"token.code-one-time\"]";
        slips.advise("name", id.span(), message, "expected area.name", help);
    }
    named
}

fn lint_remedy(remedy: &Spanned<String>, slips: &mut Slips) {
    let length = remedy.get_ref().chars().count();
    if length > REMEDY_LENGTH {
        let message = format!("a remedy of {length} characters; {REMEDY_LENGTH} are enough");
        slips.advise(
            "length",
            remedy.span(),
            message,
            "too long",
            "one imperative sentence: what to change, and where",
        );
    }
}

/// Lines of `rule TAB reason`; empty lines and lines that start with `#` do not count.
fn not_tested(text: &str, table: &Table, slips: &mut Slips) -> Vec<(String, String)> {
    let mut excused: Vec<(String, String)> = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let (from, line) = (start, line.trim_end_matches(['\n', '\r']));
        start = from + text[from..].find('\n').map_or(text.len() - from, |at| at + 1);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (id, reason) = line.split_once('\t').unwrap_or((line, ""));
        let span = from..from + id.len();
        if !table.by_id.contains_key(id) {
            let known: Vec<&str> = table.rules.iter().map(|rule| rule.id.as_str()).collect();
            slips.unknown(span.clone(), "rule", id, &known);
        }
        if reason.trim().is_empty() {
            slips.add("missing", span.clone(), format!("`{id}` has no reason"), "a tab and the reason go here");
        }
        if excused.iter().any(|(known, _)| known == id) {
            slips.add("duplicate", span, format!("`{id}` is listed twice"), "again");
        }
        excused.push((id.to_owned(), reason.trim().to_owned()));
    }
    excused
}

/// Longest remedy, in characters: two lines of a terminal.
const REMEDY_LENGTH: usize = 200;

static RULES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/suites/rules");

const NOT_TESTED: &str = include_str!("../../suites/not-tested.tsv");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::render;
    use crate::rule::{Level, Role};

    const GOOD: &str = r#"
["token.code-one-time"]
role        = "authorization-server"
level       = "MUST NOT"
versions    = ["2026-07-28", "2025-11-25"]
source      = "OAuth 2.1 s4.1.3"
requirement = "A code yields tokens once"
observable  = "second redemption"
needs       = "nothing"
party       = "operator"
remedy      = "delete the code in the step that redeems it"
"#;

    fn read_texts(texts: &[&str], excused: &str) -> Result<Rules, String> {
        let sources: Vec<Source> =
            texts.iter().enumerate().map(|(index, text)| Source::new(format!("rules/{index}.toml"), *text)).collect();
        read(&sources, &Source::new("not-tested.tsv", excused)).map_err(|slips| render(&slips, false))
    }

    #[test]
    fn the_embedded_table_is_clean_and_complete() {
        let rules = Rules::embedded();
        assert!(rules.len() > 600);
        let rule = rules.get("token.code-one-time").expect("a rule that the documentation cites");
        assert_eq!((rule.role, rule.level), (Role::AuthorizationServer, Level::Must));
        assert_eq!(rule.party, Party::AuthorizationServer);
        assert!(rule.versions.binds(McpVersion::V2025_03_26));
    }

    #[test]
    fn reads_a_rule() {
        let rules = read_texts(&[GOOD], "token.code-one-time\tneeds a clock\n").expect("no slip");
        let rule = rules.get("token.code-one-time").expect("the rule");
        assert_eq!((rule.level, rule.party), (Level::MustNot, Party::Operator));
        assert!(rule.versions.binds(McpVersion::V2026_07_28) && !rule.versions.binds(McpVersion::V2025_06_18));
        assert_eq!(rule.versions.to_string(), "2025-11-25, 2026-07-28");
        assert_eq!(rules.not_tested(), [("token.code-one-time".to_owned(), "needs a clock".to_owned())]);
    }

    #[test]
    fn complains_about_everything_at_once() {
        let bad = GOOD
            .replace("authorization-server", "authorisation-server")
            .replace("MUST NOT", "MUSTN'T")
            .replace("2025-11-25", "2025-11-26")
            .replace("needs ", "need ")
            .replace("delete", &"delete ".repeat(40));
        let shown = read_texts(&[&bad], "").expect_err("five slips");
        insta::assert_snapshot!(shown, @r#"
        error[missing]: [token.code-one-time] has no `needs`
         --> rules/0.toml:2:1
          |
        2 | ["token.code-one-time"]
          | ^^^^^^^^^^^^^^^^^^^^^^^

        error[unknown-word]: unknown role `authorisation-server`
         --> rules/0.toml:3:15
          |
        3 | role        = "authorisation-server"
          |               ^^^^^^^^^^^^^^^^^^^^^^ did you mean `authorization-server`?

        error[unknown-word]: unknown level `MUSTN'T`
         --> rules/0.toml:4:15
          |
        4 | level       = "MUSTN'T"
          |               ^^^^^^^^^ did you mean `MUST NOT`?

        error[unknown-word]: unknown MCP version `2025-11-26`
         --> rules/0.toml:5:30
          |
        5 | versions    = ["2026-07-28", "2025-11-26"]
          |                              ^^^^^^^^^^^^ did you mean `2025-11-25`?

        error[unknown-word]: unknown key `need` in [token.code-one-time]
         --> rules/0.toml:9:1
          |
        9 | need       = "nothing"
          | ^^^^ did you mean `needs`?

        error[length]: a remedy of 317 characters; 200 are enough
          --> rules/0.toml:11:15
           |
        11 | ... = "delete delete delete delete de...de in the step that redeems it"
           |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^...^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ too long
           |
           = help: one imperative sentence: what to change, and where
        "#);
    }

    #[test]
    fn complains_about_doubles_and_strangers() {
        let excused = "# comment\ntoken.code-onetime\treason\ntoken.code-one-time\n";
        let shown = read_texts(&[GOOD, GOOD, "[token]\nx = 1\n"], excused).expect_err("slips");
        insta::assert_snapshot!(shown, @r#"
        error[duplicate]: rule `token.code-one-time` is defined twice
         --> rules/1.toml:2:2
          |
        2 | ["token.code-one-time"]
          |  ^^^^^^^^^^^^^^^^^^^^^ already in rules/0.toml

        error[name]: `token` is not a rule id
         --> rules/2.toml:1:2
          |
        1 | [token]
          |  ^^^^^ expected area.name
          |
          = help: an area and a name in quotes, such as ["token.code-one-time"]

        error[unknown-word]: unknown rule `token.code-onetime`
         --> not-tested.tsv:2:1
          |
        2 | token.code-onetime    reason
          | ^^^^^^^^^^^^^^^^^^ did you mean `token.code-one-time`?

        error[missing]: `token.code-one-time` has no reason
         --> not-tested.tsv:3:1
          |
        3 | token.code-one-time
          | ^^^^^^^^^^^^^^^^^^^ a tab and the reason go here
        "#);
    }

    #[test]
    fn versions_survive_json() {
        for versions in [
            Versions::Listed(McpVersion::ALL.to_vec()),
            Versions::Listed(vec![McpVersion::V2025_03_26]),
            Versions::RfcOnly,
            Versions::Extension("dpop".to_owned()),
        ] {
            let text = serde_json::to_string(&versions).expect("serializable");
            assert_eq!(serde_json::from_str::<Versions>(&text).expect("readable"), versions, "{text}");
        }
    }
}
