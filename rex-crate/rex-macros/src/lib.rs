// SPDX-License-Identifier: GPL-2.0-only
//! The attributes of Rex programs.
//!
//! Each attribute is parsed ([`parse`]), and expands to the item as it was
//! and one call of a `macro_rules` macro of the rex crate ([`expand`]). Nothing unsafe is
//! emitted here: what an attribute emits is resolved in the user's crate,
//! where `::rex` can be made to mean something else.
//!
//! No dependencies: the crate is built for every sysroot, and what it parses is
//! the head of an item.

extern crate proc_macro;

mod expand;
mod parse;
#[cfg(test)]
mod tests;
mod token;

use proc_macro::{Delimiter, Group, Ident, Punct, Spacing, Span, TokenStream, TokenTree};

use parse::{Arguments, Error};
use token::Token;

/// A program on a kernel function: `fn(&kprobe, &mut PtRegs) -> Result`.
///
/// `#[rex_kprobe(function = "symbol")]` names the function to attach to by
/// default.
#[proc_macro_attribute]
pub fn rex_kprobe(arguments: TokenStream, item: TokenStream) -> TokenStream {
    attribute(arguments, item, |arguments, item| {
        let function = Arguments::parse(arguments, &["function"])?.take("function");
        let name = parse::function_name(item)?;
        Ok(expand::kprobe(&name, function.as_deref()))
    })
}

/// A program on a tracepoint: `fn(&tracepoint<C>, &'static C) -> Result`, where
/// the context type `C` says which tracepoint.
///
/// `#[rex_tracepoint(event = "category/name")]` says it for a context that
/// leaves it open, an `EventRecord`.
#[proc_macro_attribute]
pub fn rex_tracepoint(arguments: TokenStream, item: TokenStream) -> TokenStream {
    attribute(arguments, item, |arguments, item| {
        let event = Arguments::parse(arguments, &["event"])?.take("event");
        let name = parse::function_name(item)?;
        Ok(expand::tracepoint(&name, event.as_deref()))
    })
}

/// A program on a perf event: `fn(&perf_event, &bpf_perf_event_data) -> Result`.
#[proc_macro_attribute]
pub fn rex_perf_event(arguments: TokenStream, item: TokenStream) -> TokenStream {
    attribute(arguments, item, |arguments, item| {
        program("perf_event", arguments, item)
    })
}

/// A program on packets that a network device receives:
/// `fn(&xdp, &mut xdp_md) -> Result`.
#[proc_macro_attribute]
pub fn rex_xdp(arguments: TokenStream, item: TokenStream) -> TokenStream {
    attribute(arguments, item, |arguments, item| {
        program("xdp", arguments, item)
    })
}

/// A program on packets on their way through a network device:
/// `fn(&sched_cls, &mut __sk_buff) -> Result`.
#[proc_macro_attribute]
pub fn rex_tc(arguments: TokenStream, item: TokenStream) -> TokenStream {
    attribute(arguments, item, |arguments, item| {
        program("tc", arguments, item)
    })
}

/// A map: `static NAME: RexXMap<…> = RexXMap::new(max_entries, flags);`
///
/// `#[rex_map(lock = "field")]` names the field of the values that is their
/// `bpf_spin_lock`; `map.lock(&key)` takes it.
#[proc_macro_attribute]
pub fn rex_map(arguments: TokenStream, item: TokenStream) -> TokenStream {
    attribute(arguments, item, |arguments, item| {
        let lock = Arguments::parse(arguments, &["lock"])?.take("lock");
        Ok(expand::map(&parse::static_parts(item)?, lock.as_deref()))
    })
}

/// An attribute without arguments.
fn program(kind: &str, arguments: &[Token], item: &[Token]) -> Result<expand::Expansion, Error> {
    Arguments::parse(arguments, &[])?;
    Ok(expand::program(kind, &parse::function_name(item)?))
}

type Expander = fn(&[Token], &[Token]) -> Result<expand::Expansion, Error>;

/// Runs `expander` on the tokens and puts its result behind the item.
fn attribute(arguments: TokenStream, item: TokenStream, expander: Expander) -> TokenStream {
    let argument_trees: Vec<_> = arguments.into_iter().collect();
    let item_trees: Vec<_> = item.into_iter().collect();
    let argument_tokens: Vec<_> = argument_trees.iter().map(token::from_tree).collect();
    let item_tokens: Vec<_> = item_trees.iter().map(token::from_tree).collect();
    match expander(&argument_tokens, &item_tokens) {
        Ok(expansion) => token::to_stream(&expansion, &item_trees),
        Err(error) => {
            let trees = if error.in_arguments {
                &argument_trees
            } else {
                &item_trees
            };
            let span = trees
                .get(error.index)
                .map_or_else(Span::call_site, TokenTree::span);
            // The item stays, so that nothing else is reported as missing.
            let mut stream: TokenStream = item_trees.iter().cloned().collect();
            stream.extend(compile_error(&error.message, span));
            stream
        }
    }
}

/// `::core::compile_error! { "message" }`, shown at `span`.
fn compile_error(message: &str, span: Span) -> TokenStream {
    let mut literal = proc_macro::Literal::string(message);
    literal.set_span(span);
    let punct = |character, spacing| {
        let mut punct = Punct::new(character, spacing);
        punct.set_span(span);
        TokenTree::from(punct)
    };
    let mut group = Group::new(Delimiter::Brace, TokenTree::from(literal).into());
    group.set_span(span);
    [
        punct(':', Spacing::Joint),
        punct(':', Spacing::Alone),
        Ident::new("core", span).into(),
        punct(':', Spacing::Joint),
        punct(':', Spacing::Alone),
        Ident::new("compile_error", span).into(),
        punct('!', Spacing::Alone),
        group.into(),
    ]
    .into_iter()
    .collect()
}
