//! The console's types are made of the declarations: `console/src/generated/operations.ts` is what they say (`cargo xtask console`).

use std::fmt::Write;

use api::access::{Access, Effect, right};
use api::operations::OPERATIONS;
use api::{Declaration, Tier};
use catalog::Role;
use rpc::param::{Declared, Kind};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../console/src/generated/operations.ts");
const HEAD: &str = "\
// Made of the server's declarations by `cargo xtask console`; do not edit.
//
// Of each operation: what it takes, where it belongs, and who may call it. Answers are not declared: see docs/reference.

export type Role = 'admin' | 'operator' | 'viewer' | 'publisher';

/** What an operation takes. Lists and objects are sent flat: `Name.1`, `Name.1.Member`, or as JSON text. */
export interface Params {
";

#[test]
fn the_types_of_the_console_are_those_of_the_declarations() {
    let wanted = rendered();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(std::path::Path::new(FILE).parent().unwrap()).unwrap();
        std::fs::write(FILE, &wanted).unwrap();
    }
    let written = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(written == wanted, "console/src/generated/operations.ts is stale: run cargo xtask console");
}

fn rendered() -> String {
    let mut declarations: Vec<Declaration> = OPERATIONS.iter().map(|operation| operation.declaration).collect();
    declarations.sort_by_key(|declaration| declaration.name);
    let mut text = HEAD.to_owned();
    for declaration in &declarations {
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
    for declaration in &declarations {
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
        Kind::List(of) | Kind::CommaList { of, .. } => match kind(of, indent) {
            one if one.contains([' ', '\n']) => format!("({one})[]"),
            one => format!("{one}[]"),
        },
        Kind::Object(params) => {
            let mut text = "{\n".to_owned();
            members(&mut text, &format!("{indent}  "), params);
            format!("{text}{indent}}}")
        }
    }
}

fn comment(text: &mut String, indent: &str, about: &str) {
    let about = about.split_whitespace().collect::<Vec<_>>().join(" ");
    if !about.is_empty() {
        writeln!(text, "{indent}/** {about} */").unwrap();
    }
}
