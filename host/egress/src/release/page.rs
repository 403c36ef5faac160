//! Pages whose script assigns a JSON object to a variable, as those of a sign-in do: `$Config={…};`.
//!
//! The object is read and written anew like any JSON; what stands around it is text.

use std::ops::Range;

use super::Guard;
use crate::declare::FindingPlace;
use crate::error::Withheld;
use crate::grant::Rule;
use crate::json::{Document, Kind};

/// Assignments in one page.
const MOST: usize = 16;

/// A page, and the objects that its script assigns to the variables of the rule.
#[derive(Default)]
pub(super) struct Page<'a> {
    body: &'a [u8],
    objects: Vec<(&'a str, Range<usize>, Document<'a>)>,
}

impl<'a> Page<'a> {
    /// Reads the objects that `rule` seals something of; none if it seals nothing so.
    pub(super) fn read(rule: &'a Rule, body: &'a [u8]) -> Result<Self, Withheld> {
        let mut variables: Vec<&str> = rule
            .seals
            .iter()
            .filter_map(|seal| match &seal.found_in {
                FindingPlace::ScriptVariable(variable, _) => Some(variable.as_str()),
                _ => None,
            })
            .collect();
        variables.sort_unstable();
        variables.dedup();
        let mut objects = Vec::new();
        for variable in variables {
            for found in memchr::memmem::find_iter(body, variable) {
                // The end of a longer name is another variable.
                let is_within = found
                    .checked_sub(1)
                    .and_then(|before| body.get(before))
                    .is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$'));
                let Some(start) = assigned(body, found + variable.len()).filter(|_| !is_within)
                else {
                    continue;
                };
                let unreadable = |why: &str| Withheld::Unreadable {
                    why: format!("the page's `{variable}` {why}"),
                };
                let (object, length) = Document::parse_prefix(&body[start..])
                    .map_err(|fault| unreadable(&fault.to_string()))?;
                if objects.len() >= MOST {
                    return Err(unreadable("is assigned too often"));
                }
                objects.push((variable, start..start + length, object));
            }
        }
        objects.sort_by_key(|(_, place, _)| place.start);
        // One within the other would be written twice.
        if objects
            .windows(2)
            .any(|pair| pair[1].1.start < pair[0].1.end)
        {
            return Err(Withheld::Unreadable {
                why: "the page assigns one variable within another".to_owned(),
            });
        }
        Ok(Self { body, objects })
    }

    pub(super) fn is_plain(&self) -> bool {
        self.objects.is_empty()
    }
}

/// Where the object begins, if what stands at `at` is an assignment of one.
fn assigned(body: &[u8], at: usize) -> Option<usize> {
    let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r');
    let mut rest = body.get(at..)?.iter().enumerate();
    let (_, equals) = rest.find(|(_, b)| !blank(b))?;
    let (place, open) = rest.find(|(_, b)| !blank(b))?;
    (*equals == b'=' && *open == b'{').then_some(at + place)
}

impl Guard<'_> {
    /// Seals the declared members of the page's objects.
    pub(super) fn seal_script(&mut self, rule: &Rule, page: &Page<'_>) -> Result<(), Withheld> {
        for seal in &rule.seals {
            let FindingPlace::ScriptVariable(variable, member) = &seal.found_in else {
                continue;
            };
            for (_, _, object) in page.objects.iter().filter(|(name, ..)| name == variable) {
                let value = object.root().get(member);
                let Some(value) = value.filter(|value| value.kind() != Kind::Null) else {
                    continue;
                };
                match value.string() {
                    Some(text) if text.is_empty() => {}
                    Some(text) => self.seal(&seal.name, &text)?,
                    None => {
                        return Err(Withheld::Unreadable {
                            why: format!("`{member}` of the page's `{variable}` is no text"),
                        });
                    }
                }
            }
        }
        Ok(())
    }

    /// The page with stand-ins in it.
    pub(super) fn page(&self, page: &Page<'_>) -> Result<Vec<u8>, Withheld> {
        let mut out = Vec::with_capacity(page.body.len() + 64);
        let mut from = 0;
        for (_, place, object) in &page.objects {
            self.around(&page.body[from..place.start], &mut out)?;
            let instead = self.strings(object)?;
            object.write(&mut out, &super::borrowed(&instead));
            from = place.end;
        }
        self.around(&page.body[from..], &mut out)?;
        self.check(&out, &|| "the body".to_owned())?;
        Ok(out)
    }

    fn around(&self, text: &[u8], out: &mut Vec<u8>) -> Result<(), Withheld> {
        let changed = self.text(text)?;
        out.extend_from_slice(changed.as_deref().unwrap_or(text));
        Ok(())
    }
}
