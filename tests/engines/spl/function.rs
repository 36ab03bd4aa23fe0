//! The functions of eval expressions: how many arguments, of which sort, with which result.

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    If,
    Case,
    Validate,
    Coalesce,
    Match,
    Like,
    In,
    Cidrmatch,
    Searchmatch,
    True,
    False,
    Null,
    Nullif,
    Lower,
    Upper,
    Len,
    Substr,
    Replace,
    Trim,
    Rtrim,
    Ltrim,
    Urldecode,
    Split,
    Isnull,
    Isnotnull,
    Isnum,
    Isstr,
    Typeof,
    Tonumber,
    Tostring,
    Mvappend,
    Mvindex,
    Mvcount,
    Mvjoin,
    Mvfilter,
    Round,
    Min,
    Max,
    Now,
    RelativeTime,
    Strftime,
    Strptime,
}

/// What an argument must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// A condition.
    Bool,
    /// A number, text or field.
    Value,
    /// Either.
    Any,
    /// A string literal.
    Literal,
    /// A string literal that is a regular expression.
    Regex,
}

/// Name, function, arguments, how many are required, whether the last ones repeat, whether the result is a condition.
pub(super) struct Signature {
    pub name: &'static str,
    pub function: Function,
    arguments: &'static str,
    required: usize,
    repeat: usize,
    condition: bool,
}

const fn row(
    name: &'static str,
    function: Function,
    arguments: &'static str,
    required: usize,
    repeat: usize,
    condition: bool,
) -> Signature {
    Signature { name, function, arguments, required, repeat, condition }
}

/// Arguments: `b` condition, `v` value, `a` any, `l` literal, `r` regular expression.
static TABLE: [Signature; 42] = [
    row("if", Function::If, "bvv", 3, 0, false),
    row("case", Function::Case, "bv", 2, 2, false),
    row("validate", Function::Validate, "bv", 2, 2, false),
    row("coalesce", Function::Coalesce, "v", 1, 1, false),
    row("match", Function::Match, "vr", 2, 0, true),
    row("like", Function::Like, "vl", 2, 0, true),
    row("in", Function::In, "vv", 2, 1, true),
    row("cidrmatch", Function::Cidrmatch, "lv", 2, 0, true),
    row("searchmatch", Function::Searchmatch, "l", 1, 0, true),
    row("true", Function::True, "", 0, 0, true),
    row("false", Function::False, "", 0, 0, true),
    row("null", Function::Null, "", 0, 0, false),
    row("nullif", Function::Nullif, "vv", 2, 0, false),
    row("lower", Function::Lower, "v", 1, 0, false),
    row("upper", Function::Upper, "v", 1, 0, false),
    row("len", Function::Len, "v", 1, 0, false),
    row("substr", Function::Substr, "vvv", 2, 0, false),
    row("replace", Function::Replace, "vrl", 3, 0, false),
    row("trim", Function::Trim, "vl", 1, 0, false),
    row("rtrim", Function::Rtrim, "vl", 1, 0, false),
    row("ltrim", Function::Ltrim, "vl", 1, 0, false),
    row("urldecode", Function::Urldecode, "v", 1, 0, false),
    row("split", Function::Split, "vl", 2, 0, false),
    row("isnull", Function::Isnull, "v", 1, 0, true),
    row("isnotnull", Function::Isnotnull, "v", 1, 0, true),
    row("isnum", Function::Isnum, "v", 1, 0, true),
    row("isstr", Function::Isstr, "v", 1, 0, true),
    row("typeof", Function::Typeof, "a", 1, 0, false),
    row("tonumber", Function::Tonumber, "vv", 1, 0, false),
    row("tostring", Function::Tostring, "al", 1, 0, false),
    row("mvappend", Function::Mvappend, "v", 1, 1, false),
    row("mvindex", Function::Mvindex, "vvv", 2, 0, false),
    row("mvcount", Function::Mvcount, "v", 1, 0, false),
    row("mvjoin", Function::Mvjoin, "vl", 2, 0, false),
    row("mvfilter", Function::Mvfilter, "b", 1, 0, false),
    row("round", Function::Round, "vv", 1, 0, false),
    row("min", Function::Min, "v", 1, 1, false),
    row("max", Function::Max, "v", 1, 1, false),
    row("now", Function::Now, "", 0, 0, false),
    row("relative_time", Function::RelativeTime, "vl", 2, 0, false),
    row("strftime", Function::Strftime, "vl", 2, 0, false),
    row("strptime", Function::Strptime, "vl", 2, 0, false),
];

/// The function of that name.
pub(super) fn find(name: &str) -> Option<&'static Signature> {
    TABLE.iter().find(|signature| signature.name == name)
}

impl Function {
    /// Whether the result is a condition.
    pub fn condition(self) -> bool {
        TABLE.iter().any(|signature| signature.function == self && signature.condition)
    }
}

impl Signature {
    /// Whether it takes that many arguments.
    pub fn takes(&self, count: usize) -> bool {
        let fixed = self.arguments.len();
        match self.repeat {
            0 => (self.required..=fixed).contains(&count),
            repeat => count >= self.required && (count - self.required).is_multiple_of(repeat),
        }
    }

    /// What the argument at `index` must be; repeated ones are as the last ones.
    pub fn sort(&self, index: usize) -> Sort {
        let fixed = self.arguments.len();
        let place = match self.repeat {
            0 => index,
            repeat if index >= fixed => fixed - repeat + (index - fixed) % repeat,
            _ => index,
        };
        match self.arguments.as_bytes().get(place) {
            Some(b'b') => Sort::Bool,
            Some(b'a') => Sort::Any,
            Some(b'l') => Sort::Literal,
            Some(b'r') => Sort::Regex,
            _ => Sort::Value,
        }
    }
}
