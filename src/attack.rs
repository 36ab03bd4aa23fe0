//! ATT&CK Enterprise: techniques, the tactics that each belongs to, and the detection strategies and analytics for it.
//!
//! The built-in table is `targets/attack.tsv`. A project can bring a table of another release (`attack` in `arcanary.yaml`).
//! © The MITRE Corporation, reproduced under the ATT&CK terms of use.

use std::collections::HashMap;
use std::ops::{Deref, Range};
use std::sync::{Arc, LazyLock};

/// The words that the first line of a table starts with; the release follows.
const HEAD: &str = "# ATT&CK Enterprise ";

/// A technique.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Technique {
    /// Its name.
    pub name: String,
    /// Short names of its tactics, in the matrix's order. Empty if it is revoked or deprecated.
    pub tactics: Vec<String>,
    /// The technique that replaces a revoked one, which may be revoked itself.
    revoked_by: Option<String>,
}

/// The techniques of one release of ATT&CK Enterprise.
#[derive(Debug)]
pub struct Table {
    version: String,
    tactics: Vec<String>,
    techniques: HashMap<String, Technique>,
    /// The techniques of each detection strategy and analytic.
    detections: HashMap<String, Vec<String>>,
}

/// The table of a project, which many parts share. The default is the built-in one.
#[derive(Clone, Debug)]
pub struct Release(Arc<Table>);

impl Default for Release {
    fn default() -> Release {
        Release(BUILT_IN.clone())
    }
}

impl From<Table> for Release {
    fn from(table: Table) -> Release {
        Release(Arc::new(table))
    }
}

impl Deref for Release {
    type Target = Table;

    fn deref(&self) -> &Table {
        &self.0
    }
}

/// Why a text is not a table.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    /// The bytes of the line.
    pub range: Range<usize>,
    /// What is wrong with it.
    pub message: String,
}

static BUILT_IN: LazyLock<Arc<Table>> = LazyLock::new(|| {
    // A test reads the table, so the empty one is never used.
    Arc::new(Table::parse(include_str!("../targets/attack.tsv")).unwrap_or_else(|_| Table::empty("")))
});

impl Table {
    fn empty(version: &str) -> Table {
        let version = version.to_owned();
        Table { version, tactics: vec![], techniques: HashMap::new(), detections: HashMap::new() }
    }

    /// Reads a table: see the first lines of `targets/attack.tsv`.
    ///
    /// # Errors
    /// The first line that is wrong.
    pub fn parse(text: &str) -> Result<Table, Fault> {
        let first = text.lines().next().unwrap_or("");
        let version = first.strip_prefix(HEAD).and_then(|rest| rest.split([',', ' ']).next()).unwrap_or("");
        if version.is_empty() || !version.chars().all(|c| c.is_ascii_digit() || c == '.') {
            let message = format!("the first line names the release, as in `{HEAD}19.1`");
            return Err(Fault { range: 0..first.len(), message });
        }
        let mut table = Table::empty(version);
        let mut places = vec![];
        let mut start = 0;
        for line in text.split('\n') {
            let range = start..start + line.len();
            start = range.end + 1;
            let line = line.trim_end_matches('\r');
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            table.add(line).map_err(|message| Fault { range: range.clone(), message })?;
            places.push((line.split('\t').next().unwrap_or(""), range));
        }
        for (id, range) in places {
            let named = table.techniques.get(id).into_iter().flat_map(|t| &t.revoked_by);
            let named = named.chain(table.detections.get(id).into_iter().flatten());
            if let Some(unknown) = named.into_iter().find(|named| !table.techniques.contains_key(*named)) {
                return Err(Fault { range, message: format!("the table has no technique `{unknown}`") });
            }
        }
        Ok(table)
    }

    /// Adds what a line says.
    fn add(&mut self, line: &str) -> Result<(), String> {
        let cells: Vec<&str> = line.split('\t').collect();
        let words = |cell: &str| cell.split(' ').filter(|w| !w.is_empty()).map(str::to_owned).collect::<Vec<String>>();
        let fresh = match (Id::of(cells.first().unwrap_or(&"")), cells.as_slice()) {
            (Some(Id::Tactic), [_, _, short]) => {
                let plain = !short.is_empty() && short.chars().all(|c| c.is_ascii_lowercase() || c == '-');
                if !plain {
                    return Err(format!("`{short}` is not a tactic's short name, such as credential-access"));
                }
                let fresh = !self.tactics.iter().any(|tactic| tactic == short);
                self.tactics.push((*short).to_owned());
                fresh
            }
            (Some(Id::Technique), [id, name, tactics, successor @ ..]) if successor.len() < 2 => {
                let tactics = words(tactics);
                if let Some(unknown) = tactics.iter().find(|tactic| !self.tactics.contains(tactic)) {
                    return Err(format!("no line before this one has the tactic `{unknown}`"));
                }
                let revoked_by = successor.iter().filter(|id| !id.is_empty()).map(|id| (*id).to_owned()).next();
                let technique = Technique { name: (*name).to_owned(), tactics, revoked_by };
                self.techniques.insert((*id).to_owned(), technique).is_none()
            }
            (Some(Id::Strategy), [id, analytics, techniques]) => {
                let techniques = words(techniques);
                let mut ids = words(analytics);
                if let Some(other) = ids.iter().find(|id| Id::of(id) != Some(Id::Analytic)) {
                    return Err(format!("`{other}` is not the id of an analytic, such as AN1458"));
                }
                ids.push((*id).to_owned());
                ids.into_iter().all(|id| self.detections.insert(id, techniques.clone()).is_none())
            }
            (Some(_), _) => return Err("the number of cells is wrong; tabs separate them".to_owned()),
            (None, _) => return Err("it does not start with an id such as TA0009, T1560.001 or DET0526".to_owned()),
        };
        if fresh { Ok(()) } else { Err("an earlier line has the same id or name".to_owned()) }
    }

    /// Returns the release, such as `19.1`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns a technique or sub-technique by its id.
    #[must_use]
    pub fn technique(&self, id: &str) -> Option<&Technique> {
        self.techniques.get(id)
    }

    /// Returns the technique that replaces a revoked one in this release.
    #[must_use]
    pub fn successor(&self, id: &str) -> Option<&str> {
        let mut seen = vec![];
        let mut at = id;
        while let Some(next) = self.technique(at)?.revoked_by.as_deref() {
            if seen.contains(&next) {
                return None;
            }
            seen.push(next);
            at = next;
        }
        seen.pop().filter(|last| self.technique(last).is_some_and(|t| !t.tactics.is_empty()))
    }

    /// Returns the techniques of a detection strategy (`DET0526`) or an analytic (`AN1458`).
    #[must_use]
    pub fn detected_by(&self, id: &str) -> Option<&[String]> {
        self.detections.get(id).map(Vec::as_slice)
    }

    /// Returns the tactics' short names, in the matrix's order.
    #[must_use]
    pub fn tactics(&self) -> &[String] {
        &self.tactics
    }
}

/// What an id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Id {
    Tactic,
    Technique,
    Strategy,
    Analytic,
}

impl Id {
    fn of(id: &str) -> Option<Id> {
        let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
        let numbered = |lead: &str| id.strip_prefix(lead).is_some_and(|rest| digits(rest, 4));
        let sub = || {
            id.split_once('.')
                .is_some_and(|(main, sub)| main.len() == 5 && Id::of(main) == Some(Id::Technique) && digits(sub, 3))
        };
        match id {
            _ if numbered("TA") => Some(Id::Tactic),
            _ if numbered("T") || sub() => Some(Id::Technique),
            _ if numbered("DET") => Some(Id::Strategy),
            _ if numbered("AN") => Some(Id::Analytic),
            _ => None,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_table_is_read_in_full() {
        let table = Table::parse(include_str!("../targets/attack.tsv")).unwrap();
        let live = table.techniques.values().filter(|t| !t.tactics.is_empty()).count();
        assert_eq!((table.version(), table.tactics().len(), live, table.techniques.len()), ("19.1", 15, 697, 858));
        assert_eq!(table.detections.len(), 699 + 1758);
        assert_eq!(table.technique("T1560.001").unwrap().tactics, ["collection"]);
        assert_eq!(table.technique("T1218").unwrap().tactics, ["stealth"]);
        assert_eq!(table.technique("T1685").unwrap().tactics, ["defense-impairment"]);
        assert_eq!(table.detected_by("AN1458").unwrap(), ["T1560"]);
        assert_eq!(table.detected_by("DET0298").unwrap(), ["T1560.001"]);
        assert!(table.technique("T9999").is_none() && table.detected_by("DET9999").is_none());
    }

    /// No revoked technique is left without a live one, not even behind two steps.
    #[test]
    fn every_revoked_technique_has_a_live_successor() {
        let table = Release::default();
        for (old, new) in
            [("T1562.001", "T1685"), ("T1054", "T1685"), ("T1073", "T1574.001"), ("T1070.001", "T1685.005")]
        {
            assert_eq!(table.successor(old), Some(new), "{old}");
        }
        let revoked: Vec<&String> =
            table.techniques.iter().filter(|(_, t)| t.revoked_by.is_some()).map(|(id, _)| id).collect();
        assert_eq!(revoked.len(), 149);
        assert!(revoked.iter().all(|id| table.successor(id).is_some()));
        // A live technique and a deprecated one have none.
        assert_eq!((table.successor("T1560"), table.successor("T1053.004")), (None, None));
    }

    #[test]
    fn a_line_that_is_wrong_is_named() {
        let fault = |lines: &str| {
            let text = format!("# ATT&CK Enterprise 20.0, ours\nTA0009\tCollection\tcollection\n{lines}");
            let fault = Table::parse(&text).unwrap_err();
            (text[fault.range].to_owned(), fault.message)
        };
        for (lines, line, message) in [
            ("T1560\tX\tstealth\n", "T1560\tX\tstealth", "no line before this one has the tactic `stealth`"),
            ("T1\tX\tcollection", "T1\tX\tcollection", "it does not start with an id"),
            ("T1560\tX", "T1560\tX", "the number of cells is wrong"),
            ("T1560\tX\t\tT1561\n", "T1560\tX\t\tT1561", "the table has no technique `T1561`"),
            ("T1560\tX\tcollection\nT1560\tY\tcollection", "T1560\tY\tcollection", "an earlier line has the same id"),
            ("TA0001\tX\tInitial Access", "TA0001\tX\tInitial Access", "`Initial Access` is not a tactic's short name"),
            ("DET0001\tT1560\t", "DET0001\tT1560\t", "`T1560` is not the id of an analytic"),
            ("DET0001\tAN0001\tT1560", "DET0001\tAN0001\tT1560", "the table has no technique `T1560`"),
        ] {
            let (found, why) = fault(lines);
            assert!(found == line && why.starts_with(message), "{lines:?}: {found:?}, {why}");
        }
        assert!(Table::parse("T1560\tX\tcollection").unwrap_err().message.contains("names the release"));
        let circle = "# ATT&CK Enterprise 20.0\nT1560\tX\t\tT1561\nT1561\tX\t\tT1560\n";
        assert_eq!(Table::parse(circle).unwrap().successor("T1560"), None);
    }
}
