//! The sources of SlateDB's crates, as cargo unpacks them, and the items that their files define.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{Fields, ImplItem, Item, TraitItem, Type};

use crate::citation::Place;
use crate::pin::Pin;
use crate::{Error, files};

/// The workspace whose build makes cargo unpack the pinned crates.
pub const COMPARE: &str = "solutions/compare/Cargo.toml";

/// The unpacked crates of a list.
#[derive(Debug)]
pub struct Crates {
    folders: BTreeMap<String, PathBuf>,
    /// What was read already: it takes time.
    read: RefCell<BTreeMap<Place, Items>>,
}

/// The items of a file.
pub type Items = Rc<BTreeSet<String>>;

impl Crates {
    /// The crates of a list: below `folder`, or else where cargo unpacks what it downloads.
    ///
    /// # Errors
    /// If one is not there.
    pub fn find(pin: &Pin, folder: Option<&Path>) -> Result<Self, Error> {
        let places = match folder {
            Some(folder) => vec![folder.to_path_buf()],
            None => registries()?,
        };
        let mut folders = BTreeMap::new();
        for of in pin.crates.keys() {
            let name = format!("{of}-{}", pin.version);
            let found = places.iter().map(|place| place.join(&name)).find(|path| path.is_dir());
            let found = found.ok_or_else(|| Error::NoSources {
                missing: name,
                places: match folder {
                    Some(folder) => folder.display().to_string(),
                    None => "cargo's registry folder".to_owned(),
                },
            })?;
            folders.insert(of.clone(), found);
        }
        Ok(Self { folders, read: RefCell::default() })
    }

    /// Whether this crate was found.
    pub fn have(&self, of: &str) -> bool {
        self.folders.contains_key(of)
    }

    /// Whether there is such a file or folder.
    pub fn has(&self, place: &Place) -> bool {
        self.folders.get(&place.of).is_some_and(|folder| folder.join(&place.path).exists())
    }

    /// The files of a crate that are Rust.
    ///
    /// # Errors
    /// If they cannot be listed.
    pub fn files(&self, of: &str) -> Result<Vec<String>, Error> {
        let Some(folder) = self.folders.get(of) else {
            return Ok(Vec::new());
        };
        let mut found = files::walk(folder)?;
        found.retain(|path| files::has_extension(path, "rs"));
        Ok(found.iter().map(|path| files::shown(folder, path)).collect())
    }

    /// The items that a file defines, and nothing for a file that is not Rust.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn items(&self, place: &Place) -> Result<Items, Error> {
        if let Some(items) = self.read.borrow().get(place) {
            return Ok(Rc::clone(items));
        }
        let Place { of, path } = place;
        let items = match self.folders.get(of).filter(|_| path.ends_with(".rs")) {
            Some(folder) => items_of(&format!("{of}, {path}"), &files::read(&folder.join(path))?)?,
            None => BTreeSet::new(),
        };
        let items = Rc::new(items);
        self.read.borrow_mut().insert(place.clone(), Rc::clone(&items));
        Ok(items)
    }
}

/// The folders into which cargo unpacks crates, one a registry.
fn registries() -> Result<Vec<PathBuf>, Error> {
    let home = match std::env::var_os("CARGO_HOME") {
        Some(home) => Some(PathBuf::from(home)),
        None => std::env::home_dir().map(|home| home.join(".cargo")),
    };
    files::list(&home.unwrap_or_default().join("registry").join("src"))
}

/// The items that a Rust file defines: `Db`, `Db::put`, `Db::inner`. Test modules are left out.
///
/// # Errors
/// If the text is not Rust.
pub fn items_of(path: &str, text: &str) -> Result<BTreeSet<String>, Error> {
    let file = syn::parse_file(text).map_err(|error| {
        Error::at(path, error.span().start().line, format!("this is not Rust: {error}"))
    })?;
    let mut found = Found::default();
    found.items(&file.items);
    Ok(found.names)
}

#[derive(Default)]
struct Found {
    names: BTreeSet<String>,
}

impl Found {
    fn add(&mut self, name: impl ToString) {
        self.names.insert(name.to_string());
    }

    fn member(&mut self, owner: &str, name: impl ToString) {
        self.names.insert(format!("{owner}::{}", name.to_string()));
    }

    fn items(&mut self, items: &[Item]) {
        for item in items {
            self.item(item);
        }
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Const(item) => self.add(&item.ident),
            Item::Enum(item) => {
                self.add(&item.ident);
                let owner = item.ident.to_string();
                for variant in &item.variants {
                    self.member(&owner, &variant.ident);
                }
            }
            Item::Fn(item) => self.add(&item.sig.ident),
            Item::Impl(item) => {
                if let Some(owner) = type_name(&item.self_ty) {
                    self.members(&owner, &item.items);
                }
            }
            Item::Macro(item) => match &item.ident {
                Some(name) => self.add(name),
                None => self.declared(item.mac.tokens.clone(), None),
            },
            Item::Mod(item) => {
                self.add(&item.ident);
                if let Some((_, items)) = item.content.as_ref().filter(|_| !is_for_tests(item)) {
                    let mut inside = Found::default();
                    inside.items(items);
                    let owner = item.ident.to_string();
                    inside.names.iter().for_each(|name| self.member(&owner, name));
                }
            }
            Item::Static(item) => self.add(&item.ident),
            Item::Struct(item) => {
                self.add(&item.ident);
                self.fields(&item.ident.to_string(), &item.fields);
            }
            Item::Trait(item) => {
                self.add(&item.ident);
                self.promised(&item.ident.to_string(), &item.items);
            }
            Item::TraitAlias(item) => self.add(&item.ident),
            Item::Type(item) => self.add(&item.ident),
            Item::Union(item) => self.add(&item.ident),
            _ => {}
        }
    }

    fn members(&mut self, owner: &str, items: &[ImplItem]) {
        for item in items {
            match item {
                ImplItem::Const(item) => self.member(owner, &item.ident),
                ImplItem::Fn(item) => self.member(owner, &item.sig.ident),
                ImplItem::Type(item) => self.member(owner, &item.ident),
                _ => {}
            }
        }
    }

    fn promised(&mut self, owner: &str, items: &[TraitItem]) {
        for item in items {
            match item {
                TraitItem::Const(item) => self.member(owner, &item.ident),
                TraitItem::Fn(item) => self.member(owner, &item.sig.ident),
                TraitItem::Type(item) => self.member(owner, &item.ident),
                _ => {}
            }
        }
    }

    fn fields(&mut self, owner: &str, fields: &Fields) {
        for name in fields.iter().filter_map(|field| field.ident.as_ref()) {
            self.member(owner, name);
        }
    }

    /// What a macro's call declares, as `bitflags!` does: the names behind `struct`, `enum`, `fn` and `const`.
    fn declared(&mut self, tokens: TokenStream, owner: Option<&str>) {
        let mut keyword = false;
        let mut named: Option<String> = None;
        for token in tokens {
            match token {
                TokenTree::Ident(name) if keyword => {
                    match owner {
                        Some(owner) => self.member(owner, &name),
                        None => self.add(&name),
                    }
                    named = Some(name.to_string());
                    keyword = false;
                }
                TokenTree::Ident(word) => {
                    keyword = ["struct", "enum", "fn", "const"].iter().any(|known| word == known);
                }
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                    if let (Some(name), None) = (named.take(), owner) {
                        self.declared(group.stream(), Some(&name));
                    }
                }
                _ => {}
            }
        }
    }
}

fn is_for_tests(item: &syn::ItemMod) -> bool {
    item.attrs.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.meta.to_token_stream().to_string().replace(' ', "") == "cfg(test)"
    })
}

/// The name of the type that an `impl` is for.
fn type_name(of: &Type) -> Option<String> {
    match of {
        Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
        Type::Reference(reference) => type_name(&reference.elem),
        _ => None,
    }
}
