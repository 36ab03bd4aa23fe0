//! The one table of codes. Every finding that the compiler can make is declared here.
//!
//! A code never changes its meaning and is never used again: `E0310` (white space in `argument contains`, which the language
//! allows now) is gone for good. `E00` files, `E01` syntax, `E02` names, `E03` types,
//! `E04` utilities, `E05` rules, `E06` conditions, `E07` tests and tunes, `E08` configuration, `E09` targets, `W`
//! warnings.

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Nothing is built.
    Error,
    /// Everything is built.
    Warning,
}

impl Severity {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// What a finding does to a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// The source is wrong: nothing is built, exit code 2.
    Error,
    /// One rule cannot be said on one target: all else is built, exit code 1.
    Finding,
    /// Everything is built.
    Warning,
}

macro_rules! codes {
    ($($id:literal $variant:ident $effect:ident $title:literal $explanation:literal;)*) => {
        /// A kind of finding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $title] $variant,)*
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// Its id, such as `E0101`.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $(Code::$variant => $id,)* }
            }

            /// A few words.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Code::$variant => $title,)* }
            }

            /// What it means and what to do.
            #[must_use]
            pub fn explanation(self) -> &'static str {
                match self { $(Code::$variant => $explanation,)* }
            }

            fn effect(self) -> Effect {
                match self { $(Code::$variant => Effect::$effect,)* }
            }
        }
    };
}

impl Code {
    /// How grave it is.
    #[must_use]
    pub fn severity(self) -> Severity {
        match self.effect() {
            Effect::Warning => Severity::Warning,
            Effect::Error | Effect::Finding => Severity::Error,
        }
    }

    /// Whether it concerns one rule on one target only: all else is built.
    #[must_use]
    pub fn is_finding(self) -> bool {
        self.effect() == Effect::Finding
    }

    /// By its id, in any case.
    #[must_use]
    pub fn find(id: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|c| c.id().eq_ignore_ascii_case(id))
    }
}

codes! {
    "E0001" NotUtf8 Error "file is not UTF-8"
        "Source files are UTF-8 text. Save the file as UTF-8 in your editor; the message points at the first byte that is not.";
    "E0002" Utf16 Error "file is UTF-16"
        "The file begins with the mark of UTF-16, which some Windows editors write. Save it as UTF-8.";
    "E0003" NulCharacter Error "NUL character"
        "A source file holds a NUL character. It was damaged, or it is not text.";
    "E0004" Unreadable Error "file cannot be read"
        "A file or folder that was named, or that belongs to the project, cannot be read: it is not there, no plain file, too large, or a link out of the project. The message tells which.";
    "E0005" UncleanCharacter Error "character that hides what the file says"
        "A file holds a character that nobody sees: a change of direction such as U+202E, which shows code in another order than it has, a character that draws nothing such as the zero width space U+200B, a control character, or a noncharacter such as U+FFFE. Take it out. A condition that looks for one writes it as `\"\\u{202E}\"`. Titles, reasons, descriptions and other texts for readers do not hold it in this form either, since documents would show it raw.";
    "E0101" Syntax Error "syntax error"
        "Something stands where the grammar does not expect it. The label lists what could stand there; the language reference has the grammar.";
    "E0102" UnterminatedText Error "text without closing quote"
        "Text in quotes ends on the line on which it begins. In double quotes `\\n` is a line break; in single quotes a quote is written twice.";
    "E0103" UnclosedBracket Error "bracket without partner"
        "An opening bracket is never closed, a closing one closes nothing, or the two are of different kinds. An item that begins in the first column ends whatever was open before it.";
    "E0104" TooDeep Error "brackets nest too deep"
        "Conditions nest to a fixed depth, so that no source can exhaust the compiler. Name parts of the condition with `let`.";
    "E0105" MixedConnectives Error "`and` mixed with `or`"
        "In one level all connectives are the same: readers should not need to know which binds tighter. Put parentheses around what belongs together.";
    "E0106" ForeignOperator Error "operator of another language"
        "`==`, `!=` and `not in` are written `is`, `not F is V` and `not F in L`. There is one way to say each thing.";
    "E0107" BareList Error "list without `any` or `all`"
        "An operator that takes a list must say whether one element is enough or each must match: `contains any [...]`, `contains all [...]`.";
    "E0108" Escape Error "unknown escape"
        "In double quotes `\\\"`, `\\\\`, `\\n`, `\\t` and `\\u{202E}`, a character by its number, are escapes. Write paths and patterns in single quotes, where a backslash is itself.";
    "E0109" NumberTooLarge Error "number too large"
        "Numbers, sizes and durations end at 9,223,372,036,854,775,807.";
    "E0110" BadDate Error "no such day"
        "A date is year-month-day, such as 2026-11-20.";
    "E0111" NotAnItem Error "not an item"
        "A file is a row of items, each of which begins with utility, group, list, param, let, exception, rule, tune or extend.";
    "E0112" MisplacedDoc Error "misplaced `///`"
        "Three slashes begin the description of the item that follows. Elsewhere write `//`.";
    "E0113" TooLarge Error "condition or list too large"
        "What a rule's conditions hold is counted once every `let`, list and group is put in, and so is what a list holds. No target takes queries of such a size. Split the rule, or match with fewer, broader patterns.";
    "E0114" Layout Finding "not in the canonical layout"
        "`fmt --check` compares a file with what `arcanary fmt` would write. Run `arcanary fmt`; it changes layout alone.";
    "E0201" UnknownName Error "unknown name"
        "The name is not defined in any file of the project, or not in this rule. All `.det` files of a project share their names; there are no imports.";
    "E0202" DefinedTwice Error "defined twice"
        "All names of a project share one space, and every rule has its own id. A bare word must mean one thing.";
    "E0203" TakenName Error "name is taken"
        "A name may not be an enum value, a field's first word or, for flags and steps, another name of the project: a bare word must mean one thing.";
    "E0204" Cycle Error "contains itself"
        "A list, group or condition contains itself, directly or by way of others.";
    "E0205" UnknownField Error "unknown field"
        "Fields are named after the Elastic Common Schema, with short aliases. The language reference lists them.";
    "E0206" FieldOfOtherKind Error "field of another kind of event"
        "A file event has no destination address. The label names the kinds of event that have the field.";
    "E0207" UnknownPick Error "unknown verb or switch"
        "The utility declares no such verb or switch; of a group, no utility does. In a group, members that lack it are false.";
    "E0208" UnknownWord Error "unknown word"
        "Only a few words can stand here; the label lists them.";
    "E0209" StepMissing Error "step is not named"
        "Outside the steps of a sequence, a field carries the name of its step: `archiving.command_line`.";
    "E0210" BadRuleName Error "name that no file can have"
        "Documents are files with the name of their rule. Every system must take it: it has 100 characters at most, is none of the names that Windows keeps for devices (`con`, `nul`, `com1`), and differs from other rules' names in more than the case of its letters.";
    "E0301" WrongType Error "wrong type"
        "A value or field is compared with something of another type.";
    "E0302" WrongOperator Error "operator does not fit the type"
        "Text has contains, starts with, ends with, like and matches; paths and arguments have under; numbers have >= and its kin; addresses have in cidr.";
    "E0303" EmptyText Error "empty text"
        "An empty field is a missing field, so nothing equals an empty text. Ask `not F exists` instead.";
    "E0304" ListNeedsIn Error "`is` with a list"
        "`is` compares with one value, `in` with the elements of a list.";
    "E0305" BadPattern Error "bad wildcard pattern"
        "In `like`, `*` is any run of characters and `?` is one. `[*]`, `[?]` and `[[]` are the characters themselves; no other bracket has a meaning. A pattern has 100 wildcards at most.";
    "E0306" BadRegex Error "regular expression is not portable"
        "A regular expression must mean the same to Kusto, RE2, PCRE and Python. Not shared are: look-around, back-references, `\\b`, flags, Unicode and named classes; a repeat behind a repeat (`a*+`, `a**`); a `{` that begins no `{2}`, `{2,}` or `{2,5}`; in classes `-` beside a range, `]` in front, and `&&`, `--`, `~~`, `||`. The message says what to write. `\\d` and `\\w` are taken as their ASCII classes, `\\s` as each engine has it.";
    "E0307" BadFolder Error "not a folder"
        "`under` takes C:\\x, \\\\server\\share, /x, :\\x for any drive, or x\\y for anywhere in a path.";
    "E0308" BadNetwork Error "not a network"
        "`in cidr` takes networks such as '10.0.0.0/8' or '2001:db8::/32': no bit behind the prefix is set, and its length has no zero in front.";
    "E0309" QuoteInArgument Error "double quote in an argument"
        "Arguments are compared without their double quotes, so no argument holds one.";
    "E0311" UncertainCase Error "letter without one other case"
        "The condition ignores case and holds a letter of which platforms disagree what its other case is: `İ`, `ı`, `ſ`, `ß`, `ς`, `µ` and the signs for Kelvin, Ångström and Ohm among them. Compare it as it is written with `cased`, or leave the letter out. Letters with one capital and one small form, such as `é` and `я`, are fine.";
    // E0310 was white space in `argument contains`, which is allowed now. Its number is not used again.
    "E0401" UtilityIncomplete Error "incomplete utility"
        "A utility says on which systems it runs: `os [windows]`.";
    "E0402" UnknownShape Error "unknown shape"
        "A verb or switch has a shape: first, alone, glued, equals, bundled, dashless, long, leading, word or parameter.";
    "E0403" WrongOption Error "option does not fit the shape"
        "`glued` takes digits and except, `equals` takes by, `bundled` takes last and nonzero, `long` takes min and nonzero, `parameter` takes min.";
    "E0404" BadShapeName Error "no name of an argument"
        "The name of a verb or switch is one word without quotes, written without its prefix, of 100 characters at most.";
    "E0405" TwoDefaults Error "two default verbs"
        "A `default` verb is what a command line does that has none of the other verbs. Only one can be that.";
    "E0406" BundledWithoutValues Error "bundle without `values`"
        "In a bundle such as -czf a letter that takes a value ends the bundle. `values` names these letters; `values \"\"` says that none does.";
    "E0407" GluedAmbiguous Error "glued name takes in another"
        "A glued switch matches everything that begins with its name, other switches too. `digits` or `except` can rule that out.";
    "E0408" VerbOnlyShape Error "shape of verbs only"
        "`first` and `word` name what a tool does, so only verbs have these shapes.";
    "E0501" RuleIncomplete Error "incomplete rule"
        "Every rule has title, id, level, os and detect.";
    "E0502" UnknownKey Error "unknown entry"
        "The entry is not one of this item. The description of a rule stands before it, in lines that begin with `///`.";
    "E0503" WrongValue Error "wrong value"
        "The entry takes another kind of value; the message says which.";
    "E0504" RepeatedEntry Error "given twice"
        "An entry, flag, step or element stands twice. Only one of them could count.";
    "E0505" UnknownTechnique Error "unknown technique"
        "The id is not a technique of the ATT&CK release that this compiler knows, or the technique was revoked or deprecated.";
    "E0506" BadSchedule Error "schedule with gaps"
        "A look-back that is shorter than the frequency leaves out events between two runs; a rule over several events also needs its window before that, and a count another one.";
    "E0507" BadWeights Error "score can never, or need not, decide"
        "Weights and threshold come together and are 1 or more; the threshold can be reached; every weighted flag can make the difference.";
    "E0508" NeverFires Error "rule never fires"
        "The condition is false for every event, whatever its values are.";
    "E0509" NeverRuns Error "utility of another system"
        "The utility's `os` and the rule's do not meet, so the condition is false for every event.";
    "E0510" Unsatisfiable Finding "rule cannot be satisfied"
        "`arcanary witness` found no event on which the rule fires: each way through its detection asks for values that contradict each other, or its exceptions take all of them. The labels name the conditions. Where the message says that none was found, or that the search was cut off, the search came to its bounds: the rule may fire all the same.";
    "E0601" WhenAvailable Error "misplaced `when available`"
        "`when available` marks an operand of `and` or `or` in a detection, something in an exception, or an unweighted flag. Below `not`, or inside another such part, a drop could lose an alert without a word.";
    "E0602" ToolNeedsProcess Error "utility asked of another kind of event"
        "`runs` and its kin read the process that starts. Events of other kinds name the acting process in `process.name`.";
    "E0603" WrongSubject Error "runs nothing"
        "Only the event's own process and its `parent` run utilities.";
    "E0604" EmptyResembles Error "`resembles` without verb or switch"
        "`resembles` ignores the program's name, so without a verb or a switch it is true of everything.";
    "E0605" DefaultResembled Error "`resembles` with a default verb"
        "A default verb is what remains without the other verbs. Without the program's name that is every command line.";
    "E0606" NoOriginalName Error "`renamed` without `original`"
        "A renamed program is recognised by its PE original file name, and the utility declares none.";
    "E0607" NoHome Error "`relocated` without `home`"
        "A relocated program is recognised by its folder, and the utility declares none to which it belongs.";
    "E0608" BadStep Error "step in the wrong place"
        "A sequence has two required steps or more; `without` stands between two of them, optional steps come last. Nothing can be asked of a `without`, which has no event, and no exception reads an optional step, which decides nothing.";
    "E0609" OfManyEvents Error "question about one of many events"
        "A count finds many events together: its row has the keys, the first and the last time. Flags, and fields that are no keys, belong to one event.";
    "E0610" TooManySteps Error "too many steps"
        "A rule has 32 steps at most. Conditions and equalities that do not hold between all required steps join 8 of them at most: finding a match among more would take too long. Equalities of all steps do not count, and neither do the keys behind `by`.";
    "E0701" TestOfOtherKind Error "test event is never looked at"
        "The rule reads other kinds of event.";
    "E0702" TunedTwice Error "tuned twice"
        "Two tunes, or two entries of one, set the same thing. Only one of them could count.";
    "E0703" TestFailed Finding "test fails"
        "A test inside a rule expects something else than what the rule says of its event, or its recording cannot be read. The labels tell both, and which conditions decided; the event is shown beside them.";
    "E0704" Untested Finding "not tested"
        "`test --missing` was asked, and a rule lacks a firing or a silent test, or no test reaches an operand of an `or`, a utility of a group, a flag or an exception. What no test reaches may be wrong for years.";
    "E0705" TunedGone Error "tuned rule is gone"
        "A tune names a rule that neither the project nor one of its packs has, or has any more. Where a pack's lock says why the rule is gone, the label does, too.";
    "E0706" TestSilenced Error "tuning silences what must fire"
        "A test says that the rule fires on its events, and with this project's tuning it does not: an exception of a tune holds for them, a tuned threshold is out of their reach, or a param or `extend` changed the condition. Who wrote the rule proved with this test that it finds an attack, so the tuning hides one.";
    "E0707" TunedAway Error "tuning takes everything"
        "It is proved that no event makes the rule fire any more, and that some did before it was tuned. Make the exception narrower; a rule that is not wanted is switched off with `disable because`.";
    "E0801" BadTarget Error "bad target file"
        "A target file does not say what it must, or says what no target can. The message names the entry.";
    "E0802" UnknownTarget Error "unknown target"
        "No target of this name is built in or lies in the project's `targets` folder. `arcanary targets` lists them.";
    "E0803" BadProject Error "bad project file"
        "`arcanary.yaml` does not say what it must, or says something unknown.";
    "E0805" BadLock Error "no lock, or a bad one"
        "`pack.lock` is not there, or not what `arcanary pack --bump` writes: it was edited, a merge left its marks in it, or a newer release of this program wrote it.";
    "E0806" StaleLock Finding "lock out of date"
        "What is built is not what `pack.lock` says. Somebody changed a rule, a list or the project without `arcanary pack --bump`, or another release of this program builds other documents. The lock is committed, so that a change of what runs is seen in review.";
    "E0807" LockRules Error "version rule broken"
        "`arcanary pack --bump` moves versions by rule: an id never changes, a rule that goes needs a reason and a date, versions never fall.";
    "E0808" StaleBuild Finding "build out of date"
        "`build --check` compares the output folder with what the sources say now. Run `arcanary build`, review what changed, and commit it with the sources.";
    "E0809" BadRelease Finding "release is not sound"
        "`verify` checks sums, manifest and archives of a release, and that there is nothing else. Take the release again from where it was published, or make it anew with `arcanary pack`.";
    "E0810" EditedPack Error "pack is not as it was fetched"
        "A folder under `packs` holds what `arcanary fetch-pack --sources` wrote, and nothing else: an update replaces it. A fetched folder among the sources is named under `packs`, or its rules would be the project's own. Changes belong into a `tune` or `extend` of the project's own files, which updates keep.";
    "E0811" BadManifest Error "bad manifest of a build"
        "`manifest.json` in the output folder says which files Arcanary wrote, so that a build replaces and removes its own files only. It was edited, cut off, or a merge left its marks in it. Put the last good one back, or empty the folder and build everything again.";
    "E0812" InTheWay Error "file in the way of a build"
        "A build overwrites and removes only files that are as a build wrote them. Somebody edited one of these, or put a file of their own in its place. Remove the file, or let `arcanary build --force` replace it.";
    "E0813" BeyondPack Error "pack changes what is not its own"
        "A fetched pack tunes, extends, sets or skips something that the project or another pack defines. A pack changes what it brings along, and what the packs in its folder do: else an update of it could switch off rules of yours. What the project says in its own files reaches everything.";
    "E0901" Unsupported Finding "target cannot say it"
        "The target's logs or its language cannot answer this part of the rule, and nobody allowed to drop it. An approximation would change what the rule means, so none is made. Put `when available` on the part if alerts may be added without it, or list the rule under `skip` in arcanary.yaml.";
    "E0903" TooLong Finding "query too long"
        "The target refuses queries of this length, or with so many regular expressions. Split the rule, or name fewer utilities.";
    "E0904" Internal Finding "internal error"
        "The compiler made a document that does not read as it was meant. This is a defect of the compiler, not of your rule; please report it together with the rule.";
    "E0905" BadDocument Finding "document that its platform refuses"
        "The query is fine, and the document around it would break a rule of the platform that installs it: too long a name, too many details, no column for an entity. That document is left out, all else is built.";
    "W0001" SlashOnUnix Warning "slash prefix on a Unix program"
        "On Linux and macOS `/` begins a path, so a utility there has another dialect. Declare it apart and join the two in a group.";
    "W0002" StaleSkip Warning "skip without effect"
        "The project skips a rule for a target that can say it, or a rule or target that does not exist.";
    "W0003" Expired Warning "past its day"
        "An exception, or a switched-off rule, was meant to hold until a day that is over. It still holds: somebody should look whether it is needed, then give it another day or take it out. The day is that of `--today`, else of SOURCE_DATE_EPOCH, else of the last commit.";
    "W0004" Covered Warning "exception without effect"
        "It is proved that a tune's exception excepts nothing which the rule would find without it: no event that the rule detects meets it, or the rule's own exceptions take all of these events. Take it out.";
    "W0005" LinkOut Warning "link is not followed"
        "A folder of the project holds a link to a folder outside of the project. Rules are read in the project alone, so nothing behind the link is. Put a copy in its place, or name the other folder under `sources` in arcanary.yaml.";
    "W0006" NoIndex Warning "search names no index"
        "The macro that says where a target's events lie names no index, or all of them. Splunk then searches the indexes that a role searches by default, which may not be yours, or everything. Say `extends` and `macros` in a file of the project's `targets` folder, or define the macro in an app of your own and leave the warning.";
    "W0007" NoFilter Warning "query reads every event"
        "Nothing cheap leads the rule's KQL: no name of a program, no beginning of a path, no word that every match has. The platform then asks a regular expression, or searches a text, of every event of the table. That is slow, and a scheduled query may be stopped. Add a condition that holds for everything the rule is meant to find: `runs`, `process.name in […]`, `under` on a path, a word of the command line. If one operand of an `or` has none, write it as a rule of its own.";
}

#[cfg(test)]
mod tests {
    use super::Code;
    use std::collections::HashSet;

    #[test]
    fn ids_are_unique_and_findable() {
        let ids: HashSet<_> = Code::ALL.iter().map(|c| c.id()).collect();
        assert_eq!(ids.len(), Code::ALL.len());
        for code in Code::ALL {
            assert_eq!(Code::find(&code.id().to_lowercase()), Some(*code));
            assert!(code.explanation().len() > 30 && code.explanation().ends_with(['.', '`']), "{}", code.id());
        }
    }
}
