//! Reads a component before anything of it is compiled: is it one, is it of bearable size, and does it import and
//! export what an action may.
//!
//! Compiling is where a small file can cost gigabytes and minutes, so nothing reaches the compiler that was not
//! counted here.

use wasmparser::{Chunk, ComponentExternalKind, Encoding, Parser, Payload};

use crate::limits::ComponentLimits;
use crate::manifest::shown;

/// Why a file is not taken for an action.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnAction {
    /// The bytes are something else.
    #[error("it is not a WebAssembly component: {0}")]
    NotAComponent(String),
    /// Machine code, as wasmtime keeps what it compiled (ELF).
    #[error("it was compiled already, for one version of an engine")]
    Compiled,
    /// A core module.
    #[error("it is a WebAssembly module, not a component")]
    Module,
    /// Something of it is larger than the host reads.
    #[error("it has {what}, at most {most} are read")]
    TooLarge {
        /// What there is too much of, with its count.
        what: String,
        /// The bound.
        most: u64,
    },
    /// It wants something that no action gets.
    #[error("it imports `{0}`, which no action gets")]
    ForeignImport(String),
    /// It does not offer what an action must.
    #[error(
        "it does not export `{ENFORCEMENT}`: it is a component, but not an action of a version that this host runs"
    )]
    NoEnforcement,
    /// The compiler refused it.
    #[error("it could not be compiled: {0}")]
    Uncompilable(String),
}

impl NotAnAction {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotAComponent(_) => {
                Some("an action is a file that ends in `.wasm`, built for the target wasm32-wasip2")
            }
            Self::Compiled => {
                Some("give the component that it was compiled from: the host compiles it itself")
            }
            Self::Module => Some("build it for the target wasm32-wasip2, which makes components"),
            Self::TooLarge { .. } => Some("build it in release mode and without debug information"),
            Self::ForeignImport(_) => {
                Some("the contract in wit/world.wit lists everything that an action may import")
            }
            Self::NoEnforcement => {
                Some("build it against the world `tipstaff:action/action@0.1.0` of wit/")
            }
            Self::Uncompilable(_) => None,
        }
    }
}

pub(crate) const ENFORCEMENT: &str = "tipstaff:action/enforcement@0.1.0";

/// Interfaces of the contract.
const CONTRACT_IMPORTS: &[&str] = &[
    "tipstaff:action/types@0.1.0",
    "tipstaff:action/manifest@0.1.0",
    "tipstaff:action/credentials@0.1.0",
    "tipstaff:action/subjects@0.1.0",
    "tipstaff:action/pacing@0.1.0",
    "tipstaff:action/logging@0.1.0",
];

/// WASI interfaces, without their patch versions: 0.3's are the contract's, 0.2's are what toolchains add for their
/// standard libraries, and nothing is behind them.
const WASI_IMPORTS: &[(&str, &str)] = &[
    ("wasi:http/client", "0.3"),
    ("wasi:http/types", "0.3"),
    ("wasi:clocks/types", "0.3"),
    ("wasi:clocks/monotonic-clock", "0.3"),
    ("wasi:clocks/system-clock", "0.3"),
    ("wasi:random/random", "0.3"),
    ("wasi:random/insecure", "0.3"),
    ("wasi:random/insecure-seed", "0.3"),
    ("wasi:cli/environment", "0.2"),
    ("wasi:cli/exit", "0.2"),
    ("wasi:cli/stdin", "0.2"),
    ("wasi:cli/stdout", "0.2"),
    ("wasi:cli/stderr", "0.2"),
    ("wasi:cli/terminal-input", "0.2"),
    ("wasi:cli/terminal-output", "0.2"),
    ("wasi:cli/terminal-stdin", "0.2"),
    ("wasi:cli/terminal-stdout", "0.2"),
    ("wasi:cli/terminal-stderr", "0.2"),
    ("wasi:clocks/monotonic-clock", "0.2"),
    ("wasi:clocks/wall-clock", "0.2"),
    ("wasi:filesystem/types", "0.2"),
    ("wasi:filesystem/preopens", "0.2"),
    ("wasi:io/error", "0.2"),
    ("wasi:io/poll", "0.2"),
    ("wasi:io/streams", "0.2"),
    ("wasi:random/random", "0.2"),
    ("wasi:random/insecure", "0.2"),
    ("wasi:random/insecure-seed", "0.2"),
];

/// What a component is, from its outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// Bytes of the file.
    pub size: usize,
    /// The names that it imports, in its order.
    pub imports: Vec<String>,
    /// Modules and components in it.
    pub parts: u32,
    /// Functions of all its modules.
    pub functions: u32,
}

/// Reads `bytes` whole, and compiles nothing.
///
/// # Errors
///
/// The first thing that keeps it from being an action.
pub fn inspect(bytes: &[u8], limits: &ComponentLimits) -> Result<Inspection, NotAnAction> {
    let too_large = |what: String, most: u64| Err(NotAnAction::TooLarge { what, most });
    if bytes.len() > limits.size {
        return too_large(format!("{} bytes", bytes.len()), limits.size as u64);
    }
    if bytes.starts_with(b"\x7fELF") {
        return Err(NotAnAction::Compiled);
    }
    if !bytes.starts_with(b"\0asm") {
        let reason = "it does not begin as WebAssembly does".to_owned();
        return Err(NotAnAction::NotAComponent(reason));
    }
    let broken =
        |error: wasmparser::BinaryReaderError| NotAnAction::NotAComponent(error.to_string());
    let mut found = Inspection {
        size: bytes.len(),
        ..Inspection::default()
    };
    let (mut depth, mut entries, mut enforces) = (0_u32, 0_u64, false);
    let mut stack: Vec<Parser> = Vec::new();
    let mut parser = Parser::new(0);
    let mut rest = bytes;
    loop {
        let (payload, consumed) = match parser.parse(rest, true).map_err(broken)? {
            Chunk::Parsed { payload, consumed } => (payload, consumed),
            // Only a parser that waits for more bytes says this, and this one was told that there are none.
            Chunk::NeedMoreData(_) => {
                return Err(NotAnAction::NotAComponent("it ends too early".to_owned()));
            }
        };
        rest = rest.get(consumed..).unwrap_or_default();
        match payload {
            Payload::Version { encoding, .. } if stack.is_empty() => match encoding {
                Encoding::Component => {}
                Encoding::Module => return Err(NotAnAction::Module),
            },
            Payload::ModuleSection { parser: inner, .. }
            | Payload::ComponentSection { parser: inner, .. } => {
                depth += 1;
                found.parts += 1;
                if depth > limits.depth {
                    return too_large(
                        format!("components nested {depth} deep"),
                        u64::from(limits.depth),
                    );
                }
                if found.parts > limits.parts {
                    return too_large(
                        format!("more than {} modules and components", limits.parts),
                        u64::from(limits.parts),
                    );
                }
                stack.push(std::mem::replace(&mut parser, inner));
            }
            Payload::End(_) => match stack.pop() {
                Some(outer) => {
                    depth -= 1;
                    parser = outer;
                }
                None if rest.is_empty() => break,
                None => {
                    return Err(NotAnAction::NotAComponent(
                        "something follows its end".to_owned(),
                    ));
                }
            },
            Payload::FunctionSection(section) => {
                found.functions = found.functions.saturating_add(section.count());
                if found.functions > limits.functions {
                    return too_large(
                        format!("{} functions", found.functions),
                        u64::from(limits.functions),
                    );
                }
            }
            Payload::CodeSectionEntry(body) => {
                let size = body.range().len();
                if size > limits.function_size {
                    return too_large(
                        format!("a function of {size} bytes"),
                        limits.function_size as u64,
                    );
                }
            }
            Payload::ComponentImportSection(section) => {
                entries += u64::from(section.count());
                if stack.is_empty() {
                    for import in section {
                        let name = import.map_err(broken)?.name.name;
                        if !may_import(name) {
                            return Err(NotAnAction::ForeignImport(shown(name)));
                        }
                        found.imports.push(name.to_owned());
                    }
                }
            }
            Payload::ComponentExportSection(section) => {
                entries += u64::from(section.count());
                if stack.is_empty() {
                    for export in section {
                        let export = export.map_err(broken)?;
                        enforces |= export.name.name == ENFORCEMENT
                            && export.kind == ComponentExternalKind::Instance;
                    }
                }
            }
            Payload::TypeSection(s) => entries += u64::from(s.count()),
            Payload::ImportSection(s) => entries += u64::from(s.count()),
            Payload::GlobalSection(s) => entries += u64::from(s.count()),
            Payload::ExportSection(s) => entries += u64::from(s.count()),
            Payload::ElementSection(s) => entries += u64::from(s.count()),
            Payload::DataSection(s) => entries += u64::from(s.count()),
            Payload::InstanceSection(s) => entries += u64::from(s.count()),
            Payload::CoreTypeSection(s) => entries += u64::from(s.count()),
            Payload::ComponentInstanceSection(s) => entries += u64::from(s.count()),
            Payload::ComponentAliasSection(s) => entries += u64::from(s.count()),
            Payload::ComponentTypeSection(s) => entries += u64::from(s.count()),
            Payload::ComponentCanonicalSection(s) => entries += u64::from(s.count()),
            _ => {}
        }
        if entries > u64::from(limits.entries) {
            return too_large(
                format!("more than {} entries", limits.entries),
                u64::from(limits.entries),
            );
        }
    }
    if enforces {
        Ok(found)
    } else {
        Err(NotAnAction::NoEnforcement)
    }
}

fn may_import(name: &str) -> bool {
    if CONTRACT_IMPORTS.contains(&name) {
        return true;
    }
    let Some((interface, version)) = name.split_once('@') else {
        return false;
    };
    WASI_IMPORTS.iter().any(|(allowed, line)| {
        interface == *allowed
            && version
                .strip_prefix(line)
                .and_then(|patch| patch.strip_prefix('.'))
                .is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|b| b.is_ascii_digit()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> Option<NotAnAction> {
        inspect(bytes, &ComponentLimits::default()).err()
    }

    #[test]
    fn what_is_no_component_is_refused_before_compiling() {
        assert!(matches!(refused(b""), Some(NotAnAction::NotAComponent(_))));
        assert!(matches!(
            refused(b"MZ\x90\0"),
            Some(NotAnAction::NotAComponent(_))
        ));
        assert_eq!(refused(b"\x7fELF\x02\x01"), Some(NotAnAction::Compiled));
        assert_eq!(refused(b"\0asm\x01\0\0\0"), Some(NotAnAction::Module));
        assert_eq!(
            refused(b"\0asm\x0d\0\x01\0"),
            Some(NotAnAction::NoEnforcement)
        );
        assert!(matches!(
            refused(b"\0asm\x0d\0\x01\0\0asm\x0d\0\x01\0"),
            Some(NotAnAction::NotAComponent(_))
        ));
    }

    #[test]
    fn nesting_is_bounded_before_it_costs_anything() {
        // A component section (id 4) that holds a component, and so on.
        let mut component = b"\0asm\x0d\0\x01\0".to_vec();
        for _ in 0..20 {
            let mut outer = b"\0asm\x0d\0\x01\0".to_vec();
            outer.push(4);
            let mut length = component.len();
            while length >= 0x80 {
                outer.push((length & 0x7f) as u8 | 0x80);
                length >>= 7;
            }
            outer.push(length as u8);
            outer.extend_from_slice(&component);
            component = outer;
        }
        let most = u64::from(ComponentLimits::default().depth);
        assert_eq!(
            refused(&component),
            Some(NotAnAction::TooLarge {
                what: format!("components nested {} deep", most + 1),
                most
            })
        );
    }

    #[test]
    fn imports_are_a_closed_list() {
        for good in [
            "wasi:http/client@0.3.0",
            "wasi:io/poll@0.2.6",
            "tipstaff:action/subjects@0.1.0",
        ] {
            assert!(may_import(good), "{good}");
        }
        for bad in [
            "wasi:sockets/tcp@0.2.6",
            "wasi:http/handler@0.3.0",
            "wasi:http/client@0.3",
            "wasi:http/client@0.30.1",
            "wasi:http/client@0.3.0-rc",
            "wasi:http/outgoing-handler@0.2.0",
            "wasi:filesystem/types@0.3.0",
            "tipstaff:action/subjects@0.1.1",
            "env",
        ] {
            assert!(!may_import(bad), "{bad}");
        }
    }
}
