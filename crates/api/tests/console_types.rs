//! The console's types are made of the declarations: what lies in `console/src/generated` is what they say (`cargo xtask console`).

use std::fmt::Write;
use std::path::Path;

use api::access::{Access, Effect, right};
use api::operations::OPERATIONS;
use api::{Declaration, Operation, Tier};
use catalog::Role;
use rpc::param::{Declared, Kind};
use serde_json::{Map, Value};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../console/src/generated");
const HEAD: &str = "\
// Made of the server's declarations by `cargo xtask console`; do not edit.
//
// Of each operation: what it takes, where it belongs, and who may call it. What it answers is in answers.ts.

export type Role = 'admin' | 'operator' | 'viewer' | 'publisher';

/** What an operation takes. Lists and objects are sent flat: `Name.1`, `Name.1.Member`, or as JSON text. */
export interface Params {
";
const ANSWERS_HEAD: &str = "\
// Made of the server's declarations by `cargo xtask console`; do not edit.
//
// Of each operation: what it answers. What is marked with `?` is left out when there is none; what is JSON as text is a string here.

/** What an operation answers when nothing went wrong. */
export interface Answers {
";

#[test]
fn the_types_of_the_console_are_those_of_the_declarations() {
    let mut operations: Vec<&Operation> = OPERATIONS.iter().collect();
    operations.sort_by_key(|operation| operation.declaration.name);
    let declarations: Vec<Declaration> = operations.iter().map(|operation| operation.declaration).collect();
    for (name, wanted) in [("operations.ts", rendered(&declarations)), ("answers.ts", answers(&operations))] {
        let file = Path::new(FOLDER).join(name);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(FOLDER).unwrap();
            std::fs::write(&file, &wanted).unwrap();
        }
        let written = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(written == wanted, "console/src/generated/{name} is stale: run cargo xtask console");
    }
}

fn rendered(declarations: &[Declaration]) -> String {
    let mut text = HEAD.to_owned();
    for declaration in declarations {
        comment(&mut text, "  ", declaration.about);
        if declaration.params.is_empty() {
            writeln!(text, "  {}: Record<string, never>;", declaration.name).unwrap();
            continue;
        }
        writeln!(text, "  {}: {{", declaration.name).unwrap();
        members(&mut text, "    ", declaration.params);
        text.push_str("  };\n");
    }
    text.push_str("}\n\nexport type Action = keyof Params;\n\n");
    text.push_str("/** How a parameter that is more than one value is sent: joined by commas, or numbered. */\n");
    text.push_str("export type Several = 'commas' | 'numbered';\n\n");
    text.push_str(
        "export interface Operation {\n  service: 'Live' | 'Vod';\n  roles: readonly Role[];\n  writes: boolean;\n",
    );
    text.push_str("  /** The vendor has no such operation. */\n  own: boolean;\n  several: Readonly<Record<string, Several>>;\n}\n\n");
    text.push_str("export const operations: Readonly<Record<Action, Operation>> = {\n");
    for declaration in declarations {
        let right = right(declaration.name);
        let several: Vec<String> = declaration.params.iter().filter_map(several).collect();
        writeln!(
            text,
            "  {}: {{ service: '{}', roles: [{}], writes: {}, own: {}, several: {{{}}} }},",
            declaration.name,
            declaration.service.name(),
            roles(right.access),
            right.effect == Effect::Writes,
            declaration.tier == Tier::Own,
            if several.is_empty() { String::new() } else { format!(" {} ", several.join(", ")) },
        )
        .unwrap();
    }
    text.push_str("};\n");
    text
}

fn roles(access: Access) -> String {
    let all = [Role::Admin, Role::Operator, Role::Viewer, Role::Publisher];
    let words = all.into_iter().filter(|role| access.admits(*role)).map(|role| format!("'{}'", role.as_str()));
    words.collect::<Vec<_>>().join(", ")
}

fn several(param: &Declared) -> Option<String> {
    match param.kind {
        Kind::CommaList { .. } => Some(format!("{}: 'commas'", param.name)),
        Kind::List(_) => Some(format!("{}: 'numbered'", param.name)),
        _ => None,
    }
}

fn members(text: &mut String, indent: &str, params: &[Declared]) {
    for param in params {
        comment(text, indent, param.about);
        let mark = if param.required { "" } else { "?" };
        writeln!(text, "{indent}{}{mark}: {};", name(param.name), kind(&param.kind, indent)).unwrap();
    }
}

/// A name as TypeScript takes it.
fn name(name: &str) -> String {
    match name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        true => name.to_owned(),
        false => format!("'{name}'"),
    }
}

fn kind(of: &Kind, indent: &str) -> String {
    match of {
        // Times are `YYYY-MM-DDThh:mm:ssZ`.
        Kind::Text { .. } | Kind::Json | Kind::Time => "string".to_owned(),
        Kind::Integer { .. } => "number".to_owned(),
        Kind::Boolean => "boolean".to_owned(),
        Kind::Choice(words) => words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" | "),
        Kind::List(of) | Kind::CommaList { of, .. } => list(&kind(of, indent)),
        Kind::Object(params) => {
            let mut text = "{\n".to_owned();
            members(&mut text, &format!("{indent}  "), params);
            format!("{text}{indent}}}")
        }
    }
}

fn list(one: &str) -> String {
    let is_one = one.ends_with(['}', '>']) || !one.contains(' ');
    if is_one { format!("{one}[]") } else { format!("({one})[]") }
}

fn answers(operations: &[&Operation]) -> String {
    let mut text = ANSWERS_HEAD.to_owned();
    for Operation { declaration, answer, .. } in operations {
        writeln!(text, "  {}: {};", declaration.name, shape(answer().as_value(), "  ")).unwrap();
    }
    text.push_str("}\n");
    text
}

/// A schema as a type of TypeScript.
fn shape(schema: &Value, indent: &str) -> String {
    let unknown = ["$ref", "allOf", "anyOf", "oneOf", "const"].into_iter().find(|word| schema.get(word).is_some());
    assert!(unknown.is_none(), "nobody has said yet how to write this: {schema}");
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        // Any JSON.
        _ => return "unknown".to_owned(),
    };
    let words = types.into_iter().map(|one| match one {
        "integer" | "number" => "number".to_owned(),
        "string" => match schema["enum"].as_array() {
            Some(words) => {
                words.iter().filter_map(Value::as_str).map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" | ")
            }
            None => "string".to_owned(),
        },
        "array" => list(&shape(&schema["items"], indent)),
        "object" => object(schema, indent),
        "boolean" | "null" => one.to_owned(),
        other => panic!("nobody has said yet how to write {other}"),
    });
    words.collect::<Vec<_>>().join(" | ")
}

fn object(schema: &Value, indent: &str) -> String {
    let none = Map::new();
    let members = schema["properties"].as_object().unwrap_or(&none);
    if members.is_empty() {
        return "Record<string, unknown>".to_owned();
    }
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let inner = format!("{indent}  ");
    let mut text = "{\n".to_owned();
    for (member, schema) in members {
        comment(&mut text, &inner, schema["description"].as_str().unwrap_or_default());
        let mut kind = shape(schema, &inner);
        let mut mark = "";
        if !required.contains(&member.as_str()) {
            mark = "?";
            // What may be left out is left out, and never null.
            kind = kind.strip_suffix(" | null").unwrap_or(&kind).to_owned();
        }
        writeln!(text, "{inner}{}{mark}: {kind};", name(member)).unwrap();
    }
    // A single member, as of answers that have nothing to say, needs no lines of its own.
    match text.lines().count() {
        2 => format!("{{ {} }}", text[1..].trim().trim_end_matches(';')),
        _ => format!("{text}{indent}}}"),
    }
}

fn comment(text: &mut String, indent: &str, about: &str) {
    let about = about.split_whitespace().collect::<Vec<_>>().join(" ");
    if !about.is_empty() {
        writeln!(text, "{indent}/** {about} */").unwrap();
    }
}
