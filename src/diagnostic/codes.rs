//! The table of diagnostic codes.
//!
//! A code never changes its meaning and is never reused. `E00` files, `E01` syntax, `E02` names, `E03` types,
//! `E04` utilities, `E05` rules, `E06` conditions, `E07` tests and tunes, `E08` configuration, `E09` targets, `W`
//! warnings.

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Nothing is built.
    Error,
    /// Everything is built.
    Warning,
}

impl Severity {
    /// Returns the severity as a word.
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
    /// The source is invalid: nothing is built, exit code 2.
    Error,
    /// One rule is unsupported on one target: everything else is built, exit code 1.
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

            /// Returns the id, such as `E0101`.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $(Code::$variant => $id,)* }
            }

            /// Returns the title.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Code::$variant => $title,)* }
            }

            /// Returns what it means and what to do.
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
    /// Returns the severity.
    #[must_use]
    pub fn severity(self) -> Severity {
        match self.effect() {
            Effect::Warning => Severity::Warning,
            Effect::Error | Effect::Finding => Severity::Error,
        }
    }

    /// Whether it concerns one rule on one target only, so that everything else is built.
    #[must_use]
    pub fn is_finding(self) -> bool {
        self.effect() == Effect::Finding
    }

    /// Finds a code by its id, ignoring case.
    #[must_use]
    pub fn find(id: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|c| c.id().eq_ignore_ascii_case(id))
    }
}

codes! {
    "E0001" NotUtf8 Error "file is not UTF-8"
        "Source files are UTF-8 text. Save the file as UTF-8 in your editor. The label points at the first invalid byte.";
    "E0002" Utf16 Error "file is UTF-16"
        "The file starts with a UTF-16 byte order mark, which some Windows editors write. Save it as UTF-8.";
    "E0003" NulCharacter Error "NUL character"
        "The file contains a NUL character. It is damaged, or it is not a text file.";
    "E0004" Unreadable Error "file cannot be read"
        "A file or folder cannot be read: it is missing, too large, not a regular file, or a link to a place outside of the project. The message says which.";
    "E0005" UncleanCharacter Error "invisible character"
        "The file contains a character that you cannot see: a direction mark such as U+202E, which makes code look different from what it is, a zero-width character such as U+200B, a control character, or a noncharacter such as U+FFFE. Remove it. If a condition or a test event must contain one, write it as `\"\\u{202E}\"`. Titles, reasons and descriptions cannot contain one in any form, because documents would show it raw.";
    "E0101" Syntax Error "syntax error"
        "The grammar does not allow this here. The label lists what can follow. The language reference has the whole grammar.";
    "E0102" UnterminatedText Error "text without closing quote"
        "Text ends on the line where it starts. In double quotes, write a line break as `\\n`. In single quotes, write a quote twice.";
    "E0103" UnclosedBracket Error "unmatched bracket"
        "A bracket is never closed, closes nothing, or closes a bracket of another kind. An item that starts in the first column ends every bracket before it.";
    "E0104" TooDeep Error "brackets are nested too deep"
        "Conditions can be nested 64 levels deep. Give a part of the condition a name with `let`.";
    "E0105" MixedConnectives Error "`and` mixed with `or`"
        "Arcanary has no precedence between `and` and `or`, so that nobody has to remember one. Add parentheses: `(a and b) or c`.";
    "E0106" ForeignOperator Error "operator of another language"
        "Write `F is V` for `==`, `not F is V` for `!=`, and `not F in L` for `not in`. Write `starts with`, `ends with` and `contains` for `startswith`, `endswith` and `has`. A list has brackets: `F in [A, B]`.";
    "E0107" BareList Error "list without `any` or `all`"
        "An operator with a list must say whether one element is enough, or each must match: `contains any [...]` or `contains all [...]`.";
    "E0108" Escape Error "unknown escape"
        "In double quotes, the escapes are `\\\"`, `\\\\`, `\\n`, `\\t` and `\\u{202E}`, a character by its number. Write paths and patterns in single quotes, where a backslash is an ordinary character.";
    "E0109" NumberTooLarge Error "number too large"
        "The largest number, size or duration is 9,223,372,036,854,775,807.";
    "E0110" BadDate Error "not a date"
        "A date is year-month-day, such as 2026-11-20.";
    "E0111" NotAnItem Error "not an item"
        "A file contains items. Each item starts with utility, group, list, param, let, exception, rule, tune or extend.";
    "E0112" MisplacedDoc Error "misplaced `///`"
        "Three slashes start the description of the next item. Write `//` for a comment anywhere else.";
    "E0113" TooLarge Error "condition or list too large"
        "A condition or a list is too large after every `let`, list and group in it is expanded. No target accepts a query of that size. Split the rule, or use fewer and broader patterns.";
    "E0114" Layout Finding "file is not formatted"
        "`fmt --check` compares a file with the output of `arcanary fmt`. Run `arcanary fmt`. It changes the layout only.";
    "E0201" UnknownName Error "unknown name"
        "No file of the project defines this name, or this rule does not. All `.det` files of a project share their names. There are no imports.";
    "E0202" DefinedTwice Error "defined twice"
        "Names are unique in a project, and each rule has its own id. Rename one of the two.";
    "E0203" TakenName Error "name is taken"
        "A name cannot be an enum value or a field's first word. The name of a flag or a step cannot be another name of the project. Otherwise a bare word would have two meanings.";
    "E0204" Cycle Error "contains itself"
        "A list, group or condition contains itself, directly or through others. Remove one of the references.";
    "E0205" UnknownField Error "unknown field"
        "Fields have the names of the Elastic Common Schema, with short aliases. The language reference lists them.";
    "E0206" FieldOfOtherKind Error "field of another kind of event"
        "This kind of event does not have the field: a file event has no destination address. The label names the kinds of event that have it.";
    "E0207" UnknownPick Error "unknown verb or switch"
        "The utility does not declare this verb or switch. For a group: no member declares it. A member without it never matches.";
    "E0208" UnknownWord Error "unknown word"
        "Only a few words are allowed here. The label lists them.";
    "E0209" StepMissing Error "step is not named"
        "Outside of the steps of a sequence, write the name of the step before the field: `archiving.command_line`.";
    "E0210" BadRuleName Error "name cannot be a file name"
        "Documents are named after their rules, so the name must work as a file name on every system. It has at most 100 characters, is not a Windows device name (`con`, `nul`, `com1`), and does not differ from another rule's name by case alone.";
    "E0301" WrongType Error "wrong type"
        "A value or field is compared with something of another type.";
    "E0302" WrongOperator Error "operator does not fit the type"
        "Text takes contains, starts with, ends with, like and matches. Paths and arguments also take under. Numbers take >=, <=, > and <. Addresses take in cidr.";
    "E0303" EmptyText Error "empty text"
        "An empty field counts as missing, so nothing is equal to an empty text. Write `not F exists` instead.";
    "E0304" ListNeedsIn Error "`is` with a list"
        "`is` compares with one value. Write `in` for a list.";
    "E0305" BadPattern Error "invalid wildcard pattern"
        "In `like`, `*` stands for any characters and `?` for one character. Write `[*]`, `[?]` and `[[]` for the characters themselves. Other brackets are not allowed. A pattern has at most 100 wildcards.";
    "E0306" BadRegex Error "regular expression is not portable"
        "A regular expression must mean the same in Kusto, RE2, PCRE and Python. Not allowed are look-around, back-references, `\\b`, flags, Unicode classes and named classes; a repeat after a repeat (`a*+`, `a**`); a `{` that does not start `{2}`, `{2,}` or `{2,5}`; and in classes a `-` next to a range, a leading `]`, `&&`, `--`, `~~` and `||`. The message says what to write. `\\d` and `\\w` are ASCII classes. `\\s` is each engine's own.";
    "E0307" BadFolder Error "not a folder"
        "`under` takes a folder: C:\\x, \\\\server\\share, /x, :\\x for any drive, or x\\y for anywhere in a path.";
    "E0308" BadNetwork Error "not a network"
        "`in cidr` takes networks, such as '10.0.0.0/8' or '2001:db8::/32'. Every bit after the prefix is zero, and the prefix length has no leading zero.";
    "E0309" QuoteInArgument Error "double quote in an argument"
        "Arguments are compared without their double quotes, so no argument contains one. Remove it.";
    "E0311" UncertainCase Error "letter with ambiguous case"
        "The condition ignores case, and platforms disagree about the other case of one of its letters. Such letters are `İ`, `ı`, `ſ`, `ß`, `ς`, `µ` and the signs for Kelvin, Ångström and Ohm. Use `cased`, or leave the letter out. Letters with one upper-case and one lower-case form, such as `é` and `я`, are fine.";
    // E0310 was white space in `argument contains`, which is allowed now. Do not reuse the number.
    "E0401" UtilityIncomplete Error "incomplete utility"
        "A utility names its systems: `os [windows]`.";
    "E0402" UnknownShape Error "unknown shape"
        "A verb or switch has one of these shapes: first, alone, glued, equals, bundled, dashless, long, leading, word or parameter.";
    "E0403" WrongOption Error "option does not fit the shape"
        "`glued` takes digits and except, `equals` takes by, `bundled` takes last and nonzero, `long` takes min and nonzero, `parameter` takes min.";
    "E0404" BadShapeName Error "invalid name of an argument"
        "Write the name of a verb or switch as one word, without its prefix and without quotes in it. It has at most 100 characters.";
    "E0405" TwoDefaults Error "two default verbs"
        "The `default` verb applies if the command line has no other verb. A utility can have only one.";
    "E0406" BundledWithoutValues Error "bundle without `values`"
        "In a bundle such as -czf, a letter that takes a value ends the bundle. List these letters in `values`. If there are none, write `values \"\"`.";
    "E0407" GluedAmbiguous Error "glued name matches another switch"
        "A glued switch matches every argument that starts with its name, and so another switch too. Exclude that one with `digits` or `except`.";
    "E0408" VerbOnlyShape Error "shape for verbs only"
        "`first` and `word` describe what a tool does, so only verbs can have these shapes.";
    "E0501" RuleIncomplete Error "incomplete rule"
        "A rule needs title, id, level, os and detect.";
    "E0502" UnknownKey Error "unknown entry"
        "This item does not have such an entry. The description of a rule comes before it, in lines that start with `///`.";
    "E0503" WrongValue Error "wrong value"
        "The entry takes another kind of value. The message says which.";
    "E0504" RepeatedEntry Error "duplicate entry"
        "An entry, flag, step or element occurs twice, and Arcanary cannot tell which one should win. Remove one.";
    "E0505" UnknownTechnique Error "unknown technique"
        "The id is not a technique, detection strategy or analytic of the project's ATT&CK release, or ATT&CK revoked or deprecated the technique. If it has a successor, the help names it. Arcanary comes with one release. A project can bring the table of another one: see `attack` in the page about projects.";
    "E0506" BadSchedule Error "schedule with gaps"
        "If the look-back is shorter than the frequency, no run sees the events between two runs. A rule over several events needs its window in addition, and a count needs two windows. Increase the look-back.";
    "E0507" BadWeights Error "invalid weights"
        "Weights and `threshold` are used together, and each is 1 or more. The sum of the weights must reach the threshold, and each weighted flag must be able to change the result.";
    "E0508" NeverFires Error "rule never fires"
        "The condition is false for every event.";
    "E0509" NeverRuns Error "utility of another system"
        "The utility and the rule have no system in common, so the condition is false for every event.";
    "E0510" Unsatisfiable Finding "rule cannot be satisfied"
        "`arcanary witness` found no event on which the rule fires: the conditions contradict each other, or exceptions cover everything. The labels name the conditions. If the message says that none was found or that the search was cut off, the search reached its limit, and the rule may still fire.";
    "E0511" WrongTactic Error "tactic of another technique"
        "`attack [T1574.001 as [stealth]]` claims some tactics of a technique. ATT&CK does not give the technique this tactic in the project's release. The label lists the tactics that it has.";
    "E0601" WhenAvailable Error "misplaced `when available`"
        "`when available` is allowed on an operand of `and` or `or` in a detection, in an exception, and on an unweighted flag. Below `not`, or inside another part with `when available`, dropping the condition could lose an alert.";
    "E0602" ToolNeedsProcess Error "utility in another kind of event"
        "`runs`, `renamed`, `relocated` and `resembles` read the process that starts. In other kinds of event, name the acting process with `process.name`.";
    "E0603" WrongSubject Error "not a process"
        "Only the event's own process and its `parent` can run a utility.";
    "E0604" EmptyResembles Error "`resembles` without verb or switch"
        "`resembles` ignores the program's name. Without a verb or switch, every command line would match. Add `to …` or `with …`.";
    "E0605" DefaultResembled Error "`resembles` with a default verb"
        "The default verb applies if no other verb is there. Without the program's name, almost every command line would match.";
    "E0606" NoOriginalName Error "`renamed` without `original`"
        "A renamed program is recognised by its PE original file name. Declare it in the utility: `original [\"name.exe\"]`.";
    "E0607" NoHome Error "`relocated` without `home`"
        "A relocated program is recognised by its folder. Declare its usual folders in the utility: `home ['…']`.";
    "E0608" BadStep Error "misplaced step"
        "A sequence has at least two required steps. A `without` step belongs between two of them, and optional steps come last. Conditions cannot read a `without` step, which has no event. Exceptions cannot read an optional step, which does not decide a match.";
    "E0609" OfManyEvents Error "single event of a count"
        "A count finds many events together. Its row has the keys, the first time and the last time. Flags and other fields belong to one event, so a count has none.";
    "E0610" TooManySteps Error "too many steps"
        "A rule has at most 32 steps. At most 8 of them can be joined by conditions and equalities that do not hold between all required steps: a search over more would take too long. Equalities of all steps and the keys after `by` do not count.";
    "E0701" TestOfOtherKind Error "test event of another kind"
        "The rule does not read this kind of event, so the test proves nothing.";
    "E0702" TunedTwice Error "tuned twice"
        "Two `tune` blocks, or two entries of one block, set the same key. Arcanary cannot tell which one should win. Remove one.";
    "E0703" TestFailed Finding "test fails"
        "A test inside a rule expects another result, or its recording cannot be read. The labels show the expected and the actual result, and the conditions that decided. The note shows the event.";
    "E0704" Untested Finding "not tested"
        "`test --missing` found a rule without a firing or a silent test, or a part that no test covers: an operand of an `or`, a utility of a group, a flag or an exception. Add a test for it.";
    "E0705" TunedGone Error "tuned rule does not exist"
        "A tune names a rule that neither the project nor its packs have, or no longer have. If a pack's lock says why the rule was removed, the label shows it.";
    "E0706" TestSilenced Error "tuning suppresses a test"
        "A test says that the rule fires on its events. With this project's tuning, it does not: an exception matches them, the threshold is too high, or a param or `extend` changed the condition. The author wrote the test to prove that the rule finds an attack, so the tuning would hide one. Make the tuning narrower.";
    "E0707" TunedAway Error "tuning suppresses every alert"
        "Arcanary proved that no event makes the rule fire any more, and that some did before the tuning. Make the exception narrower. To switch the rule off, write `disable because \"…\"`.";
    "E0801" BadTarget Error "invalid target file"
        "A required entry of a target file is missing, or an entry is invalid. The message names the entry.";
    "E0802" UnknownTarget Error "unknown target"
        "No built-in target has this name, and no file in the project's `targets` folder. Run `arcanary targets` for a list.";
    "E0803" BadProject Error "invalid project file"
        "An entry of `arcanary.yaml` is invalid or unknown. The message says which.";
    "E0805" BadLock Error "lock is missing or invalid"
        "`pack.lock` is missing, or is not as `arcanary pack --bump` wrote it: it was edited, it contains merge conflict markers, or a newer version of Arcanary wrote it.";
    "E0806" StaleLock Finding "lock out of date"
        "The build does not match `pack.lock`: a rule, a list or the project file changed, or another version of Arcanary builds other documents. Run `arcanary pack --bump` and commit the lock, so that reviewers see what changes.";
    "E0807" LockRules Error "version rule broken"
        "`arcanary pack --bump` keeps three rules: an id never changes, a removed rule needs a tombstone with a reason and a date, and versions never go down.";
    "E0808" StaleBuild Finding "build out of date"
        "`build --check` found that the output folder does not match the sources. Run `arcanary build`, review the changes, and commit them with the sources.";
    "E0809" BadRelease Finding "invalid release"
        "`verify` checks the sums, manifest and archives of a release, and that there are no other files. Get the release again, or make a new one with `arcanary pack`.";
    "E0810" EditedPack Error "pack was changed"
        "A folder under `packs` must be exactly as `arcanary fetch-pack --sources` wrote it, because an update replaces it. Put your changes into a `tune` or `extend` in your own files: updates keep those. A fetched folder among the sources must be listed under `packs`, or its rules would count as the project's own.";
    "E0811" BadManifest Error "invalid manifest of a build"
        "`manifest.json` in the output folder lists the files that Arcanary wrote, so that a build replaces and removes only its own files. It was edited, cut off, or contains merge conflict markers. Restore the last good one, or empty the folder and build again.";
    "E0812" InTheWay Error "file in the way of a build"
        "A build overwrites and removes a file only if it is as a build wrote it. Somebody edited this file, or put another one in its place. Remove it, or run `arcanary build --force` to replace it.";
    "E0813" BeyondPack Error "pack changes what is not its own"
        "A fetched pack tunes, extends, sets or skips something that your project or another pack defines. A pack may change only what it brings along, and what the packs in its folder bring along. Otherwise an update could switch off your rules. Your own files may change everything.";
    "E0814" BadAttackTable Error "invalid ATT&CK table"
        "The file that `attack` in arcanary.yaml names is not a table of an ATT&CK release. The message names the first line that is wrong. The page about projects explains the table, and how to make one.";
    "E0815" BadDay Error "invalid SOURCE_DATE_EPOCH"
        "Arcanary compares days with that of the environment variable SOURCE_DATE_EPOCH, if it is set. It must be a number of seconds since 1970. Unset it, or name a day with `--today`.";
    "E0901" Unsupported Finding "unsupported by the target"
        "The target's logs or its language cannot express this part of the rule, and the rule does not allow to drop it. Arcanary does not approximate, since that would change what the rule means. If more alerts are acceptable, add `when available` to the part. Else list the rule under `skip` in arcanary.yaml: `- { rules: [NAME], targets: [TARGET], because: \"…\" }`.";
    "E0903" TooLong Finding "query too long"
        "The target rejects queries of this length, or with this many regular expressions. Split the rule, or name fewer utilities.";
    "E0904" Internal Finding "internal error"
        "Arcanary read its own document again, and it did not match. This is a defect of Arcanary, not of your rule. Please report it with the rule.";
    "E0905" BadDocument Finding "document that its platform rejects"
        "The query is fine, but the document around it breaks a rule of its platform: a name is too long, there are too many details, or an entity has no column. That document is left out. Everything else is built.";
    "E0906" NotForTarget Finding "rule for other log sources"
        "The target has no log source for the events of this rule. If you build for several targets, such a rule is left out where it does not apply, and the summary and manifest.json say so. It is an error only if you ask for this rule and target by name, or if the rule applies to none of the project's targets. Then add a target that logs these events; `arcanary targets` lists them.";
    "W0001" SlashOnUnix Warning "slash prefix on a Unix program"
        "On Linux and macOS, `/` starts a path, so a utility has another syntax there. Declare a separate utility for these systems, and put both in a group.";
    "W0002" StaleSkip Warning "skip without effect"
        "The project skips a rule for a target that supports it, or that does not log the events of the rule anyway, or names a rule or target that does not exist. Remove the entry.";
    "W0003" Expired Warning "expired"
        "An exception, or a disabled rule, had a last day, which is over. It still applies. If it is still needed, set a later day; if not, remove it. Arcanary compares with the day of `--today`, else of SOURCE_DATE_EPOCH, else of the last commit.";
    "W0004" Covered Warning "exception without effect"
        "Arcanary proved that an exception of a tune suppresses nothing: no event that the rule detects matches it, or the rule's own exceptions already cover these events. Remove it.";
    "W0005" LinkOut Warning "link is not followed"
        "A folder of the project contains a link to a folder outside of the project. Arcanary reads rules inside the project only. Replace the link with a copy, or list the other folder under `sources` in arcanary.yaml.";
    "W0006" NoIndex Warning "search names no index"
        "The macro for a target's log source names no index, or all of them. Splunk then searches the default indexes of the user's role, which may be the wrong ones, or all. Set the index in a file in the project's `targets` folder, with `extends` and `macros`. If you define the macro in an app of your own, ignore this warning.";
    "W0007" NoFilter Warning "query reads every event"
        "No part of the rule narrows the KQL query cheaply: no program name, no start of a path, no word that every match contains. The platform then applies a regular expression or a text search to every event of the table. That is slow, and the platform may stop a scheduled query. Add a condition that holds for everything the rule should find: `runs`, `process.name in […]`, `under` on a path, or a word of the command line. If one operand of an `or` has no such part, write it as a separate rule.";
    "W0008" NeverHolds Warning "value that a field never has"
        "Logs never write this value, so the condition is false for every event. Names have no folder, paths start with their drive or root, extensions have no dot, and accounts have no domain: those have fields of their own. `*` and `?` are wildcards in `like` only. The help shows the condition that was meant. If a name really contains a star, write `like \"[*]\"`.";
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
