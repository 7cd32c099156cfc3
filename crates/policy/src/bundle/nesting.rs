//! How deep the policies nest, seen before Cedar parses them: its parser and its conversions are
//! recursive, and a stack that overflows takes the whole process with it.

use std::iter::Peekable;
use std::mem;
use std::str::Chars;

/// A debug build of Cedar 4.14 takes about 57 kB of stack for a bracket and 14 kB for a link in a
/// chain of operators, and a thread has 2 MiB. This leaves half of it.
const DEPTH_MAX: usize = 48;
const BRACKET_WEIGHT: usize = 4;

/// Whether Cedar can parse the text on a small stack.
pub(super) fn is_shallow(policies: &str) -> bool {
    depth(policies) <= DEPTH_MAX
}

/// An upper bound on the depth of the syntax tree, counted in links, a bracket as several.
fn depth(policies: &str) -> usize {
    let mut outer: Vec<Frame> = Vec::new();
    let mut frame = Frame::default();
    let mut chars = policies.chars().peekable();
    let mut word = String::new();
    while let Some(c) = chars.next() {
        if c.is_alphanumeric() || c == '_' {
            word.push(c);
            continue;
        }
        frame.links += usize::from(mem::take(&mut word) == "if");
        match c {
            '"' => skip_string(&mut chars),
            '/' if chars.peek() == Some(&'/') => skip_line(&mut chars),
            '(' | '[' | '{' => {
                frame.links += 1;
                outer.push(mem::take(&mut frame));
            }
            ')' | ']' | '}' => {
                let inner = frame.depth() + BRACKET_WEIGHT;
                frame = outer.pop().unwrap_or_default();
                frame.inner = frame.inner.max(inner);
            }
            ',' | ';' => frame.end_item(),
            '.' => frame.accesses += 1,
            '&' | '|' if chars.next_if_eq(&c).is_some() => frame.link(),
            '!' | '+' | '-' | '*' => frame.link(),
            '=' | '<' | '>' => frame.end_operand(),
            _ => {}
        }
    }
    outer.iter().fold(frame.depth(), |depth, frame| depth.max(frame.depth()) + BRACKET_WEIGHT)
}

/// What is between two brackets, as far as it was read. A chain of operators is a tree as deep as
/// the chain is long, with the deepest operand at its foot.
#[derive(Default)]
struct Frame {
    /// Operators of the current item.
    links: usize,
    /// Attribute accesses and method calls of the current operand.
    accesses: usize,
    /// Most accesses of an operand of the current item.
    accesses_max: usize,
    /// The deepest bracket of the current item.
    inner: usize,
    /// The deepest item before.
    items: usize,
}

impl Frame {
    fn link(&mut self) {
        self.links += 1;
        self.end_operand();
    }

    fn end_operand(&mut self) {
        self.accesses_max = self.accesses_max.max(mem::take(&mut self.accesses));
    }

    fn end_item(&mut self) {
        *self = Self { items: self.depth(), ..Self::default() };
    }

    fn depth(&self) -> usize {
        self.items.max(self.links + self.accesses_max.max(self.accesses) + self.inner)
    }
}

fn skip_string(chars: &mut Peekable<Chars<'_>>) {
    while let Some(c) = chars.next() {
        match c {
            '"' => return,
            '\\' => drop(chars.next()),
            _ => {}
        }
    }
}

fn skip_line(chars: &mut Peekable<Chars<'_>>) {
    for c in chars.by_ref() {
        if c == '\n' {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(condition: &str) -> String {
        format!("permit (principal, action, resource) when {{ {condition} }};")
    }

    #[test]
    fn a_long_list_is_not_deep() {
        let names = vec!["\"name\""; 5_000].join(", ");
        assert!(is_shallow(&rule(&format!("[{names}].contains(context.asset)"))));
        assert!(is_shallow(&rule("context.asset_known").repeat(1_000)));
    }

    #[test]
    fn a_rule_of_thirty_conditions_is_accepted() {
        let condition = vec!["context.amount.nano <= 5"; 30].join(" && ");
        assert!(is_shallow(&rule(&condition)));
    }

    #[test]
    fn the_accesses_of_two_operands_are_not_one_chain() {
        let chain = format!("context{}", ".a".repeat(30));
        for operator in ["==", "<", ">"] {
            assert!(is_shallow(&rule(&format!("{chain} {operator} {chain}"))), "{operator}");
        }
    }

    #[test]
    fn what_nests_deep_is_refused() {
        let n = 60;
        for condition in [
            vec!["context.asset_known"; n].join("&&"),
            vec!["context.asset_known"; n].join("||"),
            vec!["1"; n].join("+"),
            vec!["true"; n].join("&&"),
            vec!["true"; n].join("||"),
            format!("{}true{}", "(".repeat(n), ")".repeat(n)),
            format!("{}true{}", "!(".repeat(n), ")".repeat(n)),
            format!("{}1{}", "[".repeat(n), "]".repeat(n)),
            format!("{}1{}", "{a: ".repeat(n), "}".repeat(n)),
            format!("{}true{}", "if true then ".repeat(n), " else true".repeat(n)),
            format!("context{}", ".a".repeat(n)),
            format!("context{}", "[\"a\"]".repeat(n)),
            format!("context.now{}", ".toDate()".repeat(n)),
            // Left open, the text is no Cedar, but the parser would recurse before it finds out.
            "(".repeat(n),
        ] {
            assert!(!is_shallow(&rule(&condition)), "{condition}");
        }
    }

    #[test]
    fn strings_and_comments_hide_nothing_and_count_for_nothing() {
        let brackets = "(".repeat(60);
        assert!(is_shallow(&format!("// {brackets}\n{}", rule("true"))));
        assert!(is_shallow(&rule(&format!("context.asset == \"\\\"{brackets}\""))));
        let open = format!("context.asset == \"//\" && {brackets}true{}", ")".repeat(60));
        assert!(!is_shallow(&rule(&open)));
        // One slash is no comment.
        assert!(!is_shallow(&rule(&format!("1 / {brackets}true{}", ")".repeat(60)))));
        let open = format!("// \"\n{}", rule(&format!("{brackets}true{}", ")".repeat(60))));
        assert!(!is_shallow(&open));
    }
}
