//! Forms: what a browser would send for them (WHATWG HTML 4.10.21).

use std::collections::HashMap;

use scraper::ElementRef;

use super::html::{Base, ancestors, words};

/// A form of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form {
    /// Where it is sent to, absolute.
    pub action: String,
    /// `GET` or `POST`.
    pub method: String,
    /// The media type of the body: `application/x-www-form-urlencoded`, `multipart/form-data` or `text/plain`.
    pub enctype: String,
    /// Its `id`, or nothing.
    pub id: String,
    /// Its `name`, or nothing.
    pub name: String,
    /// What can be filled in, in order; disabled controls are left out.
    pub fields: Vec<Field>,
    /// What submits it, in order; the first one is pressed by the Enter key.
    pub buttons: Vec<Button>,
}

/// A control of a form that has a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Field {
    /// The name it is sent under; fields without one are not sent.
    pub name: String,
    /// Its value as the page sets it.
    pub value: String,
    /// The `type` of an `input` (`text`, `hidden`, `password`, `checkbox`, ...), `select` or `textarea`.
    pub kind: String,
    /// Whether a `checkbox`, a `radio` or an option of a `select` is chosen; true for every other field.
    pub checked: bool,
    /// Whether a browser does not send the form before it is filled in or chosen.
    pub required: bool,
    /// Values that a `select` offers; on the first of its fields.
    pub options: Vec<String>,
    /// Its `id`, or nothing.
    pub id: String,
    /// Its `autocomplete` attribute, or nothing: `username`, `current-password`, ...
    pub autocomplete: String,
}

/// A control that submits a form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Button {
    /// The name it is sent under; may be empty.
    pub name: String,
    /// The value it is sent with.
    pub value: String,
    /// What stands on it.
    pub text: String,
    /// `submit` or `image`.
    pub kind: String,
    /// Where it sends the form instead, absolute.
    pub formaction: Option<String>,
    /// `GET` or `POST` instead of the form's method.
    pub formmethod: Option<String>,
}

impl Form {
    /// The first field of this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// What is sent when `values` are filled in and `button` is pressed.
    ///
    /// Each name in `values` replaces all fields of that name (a `checkbox` or `radio` is thereby chosen); names that the
    /// form does not have are added at the end.
    #[must_use]
    pub fn entries(&self, values: &[(String, String)], button: Option<&Button>) -> Vec<(String, String)> {
        let mut entries = Vec::new();
        let mut done: Vec<&str> = Vec::new();
        for field in self.fields.iter().filter(|field| !field.name.is_empty()) {
            if values.iter().any(|(name, _)| *name == field.name) {
                if !done.contains(&field.name.as_str()) {
                    entries.extend(values.iter().filter(|(name, _)| *name == field.name).cloned());
                    done.push(&field.name);
                }
            } else if field.checked {
                entries.push((field.name.clone(), newlines(&field.value)));
            }
        }
        let is_new = |name: &str| !self.fields.iter().any(|field| field.name == name);
        entries.extend(values.iter().filter(|(name, _)| is_new(name)).cloned());
        entries.extend(button.into_iter().flat_map(Button::entries));
        entries
    }
}

impl Button {
    fn entries(&self) -> Vec<(String, String)> {
        match (self.kind.as_str(), self.name.as_str()) {
            ("image", "") => vec![("x".into(), "0".into()), ("y".into(), "0".into())],
            ("image", name) => vec![(format!("{name}.x"), "0".into()), (format!("{name}.y"), "0".into())],
            (_, "") => Vec::new(),
            (_, name) => vec![(name.to_owned(), self.value.clone())],
        }
    }
}

/// The forms of a page with their controls, from its elements in document order.
pub(super) fn controls(elements: &[ElementRef<'_>], base: &Base) -> Vec<Form> {
    let found: Vec<ElementRef<'_>> =
        elements.iter().copied().filter(|element| element.value().name() == "form").collect();
    let index: HashMap<_, _> = found.iter().enumerate().map(|(at, element)| (element.id(), at)).collect();
    let mut forms: Vec<Form> = found.iter().map(|element| form(*element, base)).collect();
    let mut by_id: HashMap<&str, usize> = HashMap::new();
    for (at, element) in found.iter().enumerate() {
        if let Some(id) = element.attr("id") {
            by_id.entry(id).or_insert(at);
        }
    }
    let mut table_form = None;
    for element in elements {
        if let Some(at) = index.get(&element.id()) {
            let parent = ancestors(*element).next();
            let in_table = parent
                .is_some_and(|parent| matches!(parent.value().name(), "table" | "tbody" | "thead" | "tfoot" | "tr"));
            table_form = in_table.then_some(*at);
            continue;
        }
        if !CONTROLS.contains(&element.value().name()) || is_disabled(*element) {
            continue;
        }
        let owner = match element.attr("form") {
            Some(id) => by_id.get(id).copied(),
            // A form that opens between the rows of a table is closed at once, but keeps the controls that follow.
            None => ancestors(*element).find_map(|above| index.get(&above.id()).copied()).or(table_form),
        };
        if let Some(owner) = owner {
            control(*element, base, &mut forms[owner]);
        }
    }
    forms
}

fn form(element: ElementRef<'_>, base: &Base) -> Form {
    let attribute = |name: &str| element.attr(name).unwrap_or_default().to_owned();
    let enctype = attribute("enctype").to_ascii_lowercase();
    Form {
        action: action(&attribute("action"), base),
        method: method(&attribute("method")),
        enctype: match enctype.as_str() {
            "multipart/form-data" | "text/plain" => enctype,
            _ => "application/x-www-form-urlencoded".to_owned(),
        },
        id: attribute("id"),
        name: attribute("name"),
        ..Form::default()
    }
}

fn action(text: &str, base: &Base) -> String {
    base.join(text)
}

fn method(text: &str) -> String {
    if text.eq_ignore_ascii_case("post") { "POST".to_owned() } else { "GET".to_owned() }
}

fn is_disabled(element: ElementRef<'_>) -> bool {
    let is_off = |element: &ElementRef<'_>| element.attr("disabled").is_some();
    is_off(&element) || ancestors(element).any(|above| above.value().name() == "fieldset" && is_off(&above))
}

fn control(element: ElementRef<'_>, base: &Base, form: &mut Form) {
    let kind = element.attr("type").unwrap_or_default().to_ascii_lowercase();
    match (element.value().name(), kind.as_str()) {
        ("button", "button" | "reset") | ("input", "button" | "reset") => {}
        ("button", _) | ("input", "submit" | "image") => form.buttons.push(button(element, &kind, base)),
        ("select", _) => form.fields.extend(select(element)),
        ("textarea", _) => {
            form.fields.push(Field { value: element.text().collect(), checked: true, ..field(element, "textarea") })
        }
        (_, "checkbox" | "radio") => {
            let value = element.attr("value").unwrap_or("on").to_owned();
            form.fields.push(Field { value, checked: element.attr("checked").is_some(), ..field(element, &kind) });
        }
        // A file control with no file chosen is sent with an empty name.
        (_, "file") => form.fields.push(Field { checked: true, ..field(element, "file") }),
        (_, kind) => {
            let kind = if kind.is_empty() { "text" } else { kind };
            let value = element.attr("value").unwrap_or_default().to_owned();
            form.fields.push(Field { value, checked: true, ..field(element, kind) });
        }
    }
}

fn field(element: ElementRef<'_>, kind: &str) -> Field {
    let attribute = |name: &str| element.attr(name).unwrap_or_default().to_owned();
    Field {
        name: attribute("name"),
        kind: kind.to_owned(),
        required: element.attr("required").is_some(),
        id: attribute("id"),
        autocomplete: attribute("autocomplete").to_ascii_lowercase(),
        ..Field::default()
    }
}

fn button(element: ElementRef<'_>, kind: &str, base: &Base) -> Button {
    let value = element.attr("value");
    let is_input = element.value().name() == "input";
    let text = if is_input { value.or(element.attr("alt")).unwrap_or("Submit").to_owned() } else { words(element) };
    let spoken = || element.attr("aria-label").or(element.attr("title")).unwrap_or_default().to_owned();
    Button {
        name: element.attr("name").unwrap_or_default().to_owned(),
        value: value.unwrap_or_default().to_owned(),
        text: if text.is_empty() { spoken() } else { text },
        kind: if is_input && kind == "image" { "image" } else { "submit" }.to_owned(),
        formaction: element.attr("formaction").map(|text| action(text, base)),
        formmethod: element.attr("formmethod").map(method),
    }
}

/// A `select` as one field for each chosen option; as one field that is not sent, if none is.
fn select(element: ElementRef<'_>) -> Vec<Field> {
    let options: Vec<ElementRef<'_>> =
        element.descendants().filter_map(ElementRef::wrap).filter(|inner| inner.value().name() == "option").collect();
    let is_off = |option: &ElementRef<'_>| option.attr("disabled").is_some();
    let value = |option: &ElementRef<'_>| option.attr("value").map_or_else(|| words(*option), str::to_owned);
    let is_multiple = element.attr("multiple").is_some();
    let mut chosen: Vec<&ElementRef<'_>> = options.iter().filter(|option| option.attr("selected").is_some()).collect();
    if !is_multiple {
        // Of several selected options the last one counts; with none, a browser shows the first one that can be chosen.
        chosen = chosen.pop().or_else(|| options.iter().find(|option| !is_off(option))).into_iter().collect();
    }
    chosen.retain(|option| !is_off(option));
    let bare = field(element, "select");
    let mut fields: Vec<Field> =
        chosen.iter().map(|option| Field { value: value(option), checked: true, ..bare.clone() }).collect();
    if fields.is_empty() {
        fields.push(bare);
    }
    fields[0].options = options.iter().map(value).collect();
    fields
}

/// Line ends as forms send them.
fn newlines(value: &str) -> String {
    if value.contains(['\r', '\n']) {
        value.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n")
    } else {
        value.to_owned()
    }
}

/// Elements that take part in forms.
const CONTROLS: [&str; 4] = ["button", "input", "select", "textarea"];

#[cfg(test)]
mod tests {
    use super::super::html;
    use super::*;

    fn forms(markup: &str) -> Vec<Form> {
        html::read(markup, url::Url::parse("http://h/dir/page?q=1").ok().as_ref()).forms
    }

    fn pairs(entries: &[(String, String)]) -> String {
        entries.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    }

    #[test]
    fn sends_what_a_browser_sends() {
        let forms = forms(
            "<form method=Post>
             <input type=hidden name=csrf value=t><input name=user><INPUT TYPE=PASSWORD name=pass><input name=off value=1 disabled>
             <fieldset disabled><input name=off2></fieldset><input value=nameless>
             <input type=checkbox name=a checked><input type=checkbox name=b value=2>
             <input type=radio name=r value=1><input type=radio name=r value=2 checked>
             <select name=s><option>one<option value=2 selected>two</select>
             <select name=first><option disabled>no<option>yes</select>
             <select name=m multiple><option>x<option>y</select>
             <textarea name=t>\nline\nnext</textarea><input type=file name=f><input type=reset name=no><input type=button name=no>
             </form>",
        );
        let form = &forms[0];
        assert_eq!((form.method.as_str(), form.action.as_str()), ("POST", "http://h/dir/page?q=1"));
        assert_eq!(pairs(&form.entries(&[], None)), "csrf=t&user=&pass=&a=on&r=2&s=2&first=yes&t=line\r\nnext&f=");
        let values: Vec<_> = [("user", "alice"), ("r", "1"), ("b", "2"), ("m", "x"), ("m", "y"), ("new", "z")]
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .into();
        assert_eq!(
            pairs(&form.entries(&values, None)),
            "csrf=t&user=alice&pass=&a=on&b=2&r=1&s=2&first=yes&m=x&m=y&t=line\r\nnext&f=&new=z"
        );
    }

    #[test]
    fn tells_buttons_apart() {
        let forms = forms(
            "<form action=go><button name=do value=yes>Allow <b>it</b></button><button type=button>Not</button>
             <input type=submit name=do value=No formaction='/deny' formmethod=post><input type=image name=i alt=Pic><button type=submit aria-label=Spoken></button></form>",
        );
        let form = &forms[0];
        let texts: Vec<_> = form.buttons.iter().map(|button| button.text.as_str()).collect();
        assert_eq!(texts, ["Allow it", "No", "Pic", "Spoken"]);
        assert_eq!(pairs(&form.entries(&[], Some(&form.buttons[0]))), "do=yes");
        assert_eq!(form.buttons[1].formaction.as_deref(), Some("http://h/deny"));
        assert_eq!(form.buttons[1].formmethod.as_deref(), Some("POST"));
        assert_eq!(pairs(&form.entries(&[], Some(&form.buttons[2]))), "i.x=0&i.y=0");
    }

    #[test]
    fn finds_the_owner_of_a_control() {
        let forms = forms(
            "<input name=far form=b><form id=a><input name=one></form><form id=b><input name=two></form><input name=nobody>
             <table><form id=t><tr><td><input name=three></td></tr></form></table>",
        );
        let names: Vec<Vec<_>> =
            forms.iter().map(|form| form.fields.iter().map(|field| field.name.as_str()).collect()).collect();
        assert_eq!(names, [vec!["one"], vec!["far", "two"], vec!["three"]]);
    }
}
