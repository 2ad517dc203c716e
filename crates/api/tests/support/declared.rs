//! Whether answers are what their operations declare.

use api::operations::OPERATIONS;
use axum::http::{Request, Uri};
use serde_json::{Map, Value};

/// The operation that a request names, where it is seen without reading the body.
pub fn action_of<Body>(request: &Request<Body>) -> Option<String> {
    let header = request.headers().get("x-acs-action").map(|action| action.to_str().unwrap().to_owned());
    let in_query = |uri: &Uri| {
        let mut pairs = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        pairs.find(|(name, _)| name == "Action").map(|(_, action)| action.into_owned())
    };
    header.or_else(|| in_query(request.uri()))
}

/// Panics when an answer has a member that its operation does not declare, lacks one that is always there, or has one of another type.
pub fn check(action: &str, answer: &Value) {
    let operation = OPERATIONS.iter().find(|known| known.declaration.name == action).unwrap();
    same(action, (operation.answer)().as_value(), answer);
}

fn same(place: &str, schema: &Value, told: &Value) {
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        // Any JSON.
        _ => return,
    };
    let fits = match told {
        Value::Null => kinds.contains(&"null"),
        Value::Bool(_) => kinds.contains(&"boolean"),
        Value::Number(number) => kinds.contains(&"number") || (kinds.contains(&"integer") && !number.is_f64()),
        Value::String(_) => kinds.contains(&"string"),
        Value::Array(_) => kinds.contains(&"array"),
        Value::Object(_) => kinds.contains(&"object"),
    };
    assert!(fits, "{place} is declared as {kinds:?}: {told}");
    if let Some(words) = schema["enum"].as_array() {
        assert!(words.contains(told), "{place} is declared as one of {words:?}: {told}");
    }
    match told {
        Value::Array(items) => items.iter().for_each(|item| same(place, &schema["items"], item)),
        Value::Object(members) => same_members(place, schema, members),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn same_members(place: &str, schema: &Value, told: &Map<String, Value>) {
    let Some(declared) = schema["properties"].as_object() else {
        assert!(schema["additionalProperties"] == true, "{place} is declared without members: {told:?}");
        return;
    };
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for name in &required {
        assert!(told.contains_key(*name), "{place}.{name} is declared as always there: {told:?}");
    }
    for (name, value) in told {
        let schema = declared.get(name).unwrap_or_else(|| panic!("{place}.{name} is not declared: {value}"));
        assert!(!value.is_null() || required.contains(&name.as_str()), "{place}.{name} is null instead of left out");
        same(&format!("{place}.{name}"), schema, value);
    }
}
