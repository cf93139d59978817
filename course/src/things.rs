//! What a marker can be about: the functions, items, fields and statements of a Rust file.

use std::ops::Range;

use proc_macro2::{Delimiter, Span, TokenTree};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

use crate::Error;

/// A stretch of source that a marker can stand above.
#[derive(Clone, Debug)]
pub struct Thing {
    /// All of it, with its attributes and docs; without a comma after it.
    pub range: Range<usize>,
    /// Where its attributes and docs are over.
    pub core: usize,
}

impl Thing {
    /// Whether a marker that ends before the token at `next` stands above this thing, or among its attributes.
    pub fn is_marked(&self, marker: usize, next: usize) -> bool {
        self.range.start == next || (self.range.start < marker && marker < self.core)
    }
}

/// A function with a body.
#[derive(Clone, Debug)]
pub struct Function {
    /// Where it is.
    pub thing: Thing,
    /// Its name, with the type or trait it belongs to: `MemTable::get`.
    pub name: String,
    /// Its body, with the braces.
    pub body: Range<usize>,
    /// Why a bare `todo!()` would not compile as its body.
    pub unfit: Option<&'static str>,
}

/// A `mod name;`.
#[derive(Clone, Debug)]
pub struct Module {
    /// Its name.
    pub name: String,
    /// Where `mod` or `pub mod` begins.
    pub core: usize,
}

/// Everything in a file that a marker can be about.
#[derive(Debug, Default)]
pub struct Things {
    /// Items, fields, variants, arms and statements.
    pub all: Vec<Thing>,
    /// Functions with a body.
    pub functions: Vec<Function>,
    /// The modules in files of their own.
    pub modules: Vec<Module>,
    owners: Vec<String>,
}

impl Things {
    /// Finds the things of a file.
    ///
    /// # Errors
    /// If it is not Rust.
    pub fn of(path: &str, text: &str) -> Result<Self, Error> {
        let mut things = Self::default();
        things.visit_file(&parse(path, text)?);
        Ok(things)
    }

    fn add(&mut self, node: &(impl quote::ToTokens + ?Sized)) {
        self.all.push(thing(node));
    }

    fn add_function(
        &mut self,
        node: &impl quote::ToTokens,
        signature: &syn::Signature,
        body: &syn::Block,
    ) {
        let name = signature.ident.to_string();
        self.functions.push(Function {
            thing: thing(node),
            name: match self.owners.last() {
                Some(owner) => format!("{owner}::{name}"),
                None => name,
            },
            body: body.span().byte_range(),
            unfit: unfit(signature),
        });
    }

    fn within(&mut self, owner: String, visit: impl FnOnce(&mut Self)) {
        self.owners.push(owner);
        visit(self);
        self.owners.pop();
    }
}

/// Parses a Rust file.
///
/// # Errors
/// If it is not Rust, naming the line.
pub(crate) fn parse(path: &str, text: &str) -> Result<syn::File, Error> {
    syn::parse_file(text).map_err(|error| {
        let line = error.span().start().line;
        Error::at(path, line, format!("this is not Rust: {error}"))
    })
}

fn thing(node: &(impl quote::ToTokens + ?Sized)) -> Thing {
    let range = node.span().byte_range();
    let mut tokens = node.to_token_stream().into_iter().peekable();
    let mut core = range.start;
    while let Some(token) = tokens.next() {
        let attribute = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '#')
            && matches!(tokens.peek(), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket);
        if !attribute {
            core = first_byte(&token).byte_range().start;
            break;
        }
        tokens.next();
    }
    Thing { range, core }
}

fn first_byte(token: &TokenTree) -> Span {
    match token {
        TokenTree::Group(group) => group.span_open(),
        other => other.span(),
    }
}

fn unfit(signature: &syn::Signature) -> Option<&'static str> {
    struct Finder(bool);
    impl Visit<'_> for Finder {
        fn visit_type_impl_trait(&mut self, _: &syn::TypeImplTrait) {
            self.0 = true;
        }
    }
    let mut finder = Finder(false);
    finder.visit_return_type(&signature.output);
    if signature.constness.is_some() {
        Some("a `const fn` cannot be an exercise: `todo!()` does not compile in one")
    } else if finder.0 {
        Some(
            "a function that returns `impl Trait` cannot be an exercise: a bare `todo!()` has no such type. Name or box the type",
        )
    } else {
        None
    }
}

fn last_name(r#type: &syn::Type) -> String {
    match r#type {
        syn::Type::Path(path) => path.path.segments.last().map(|part| part.ident.to_string()),
        syn::Type::Reference(reference) => Some(last_name(&reference.elem)),
        _ => None,
    }
    .unwrap_or_else(|| "impl".to_owned())
}

impl Visit<'_> for Things {
    fn visit_item(&mut self, item: &syn::Item) {
        self.add(item);
        visit::visit_item(self, item);
    }

    fn visit_item_fn(&mut self, item: &syn::ItemFn) {
        self.add_function(item, &item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_item_impl(&mut self, item: &syn::ItemImpl) {
        self.within(last_name(&item.self_ty), |things| {
            visit::visit_item_impl(things, item);
        });
    }

    fn visit_item_trait(&mut self, item: &syn::ItemTrait) {
        self.within(item.ident.to_string(), |things| {
            visit::visit_item_trait(things, item);
        });
    }

    fn visit_item_mod(&mut self, item: &syn::ItemMod) {
        if item.content.is_none() {
            self.modules.push(Module { name: item.ident.to_string(), core: thing(item).core });
        }
        visit::visit_item_mod(self, item);
    }

    fn visit_impl_item(&mut self, item: &syn::ImplItem) {
        self.add(item);
        visit::visit_impl_item(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &syn::ImplItemFn) {
        self.add_function(item, &item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item(&mut self, item: &syn::TraitItem) {
        self.add(item);
        visit::visit_trait_item(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.add_function(item, &item.sig, body);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_field(&mut self, field: &syn::Field) {
        self.add(field);
        visit::visit_field(self, field);
    }

    fn visit_field_value(&mut self, field: &syn::FieldValue) {
        self.add(field);
        visit::visit_field_value(self, field);
    }

    fn visit_variant(&mut self, variant: &syn::Variant) {
        self.add(variant);
        visit::visit_variant(self, variant);
    }

    fn visit_arm(&mut self, arm: &syn::Arm) {
        self.add(arm);
        visit::visit_arm(self, arm);
    }

    fn visit_stmt(&mut self, statement: &syn::Stmt) {
        self.add(statement);
        visit::visit_stmt(self, statement);
    }
}
