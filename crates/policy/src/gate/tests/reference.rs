//! A gate that is written to be read, not to be used: it knows a small family of rules, asks them in
//! the plainest way, and tries every set of quorums and every hour.

use std::fmt::Write as _;

use super::*;

pub(super) const PERSONS: [&str; 5] = ["alice", "bob", "carol", "dora", "erin"];
pub(super) const DESTINATIONS: [&str; 3] = [LISTED, DENIED, STRANGER];
const HOUR: u64 = 3_600_000;
const NETWORK: &str = "bip122:000000000019d6689c085ae165831e93";
/// Each with its key.
const PROVIDERS: [(&str, &str); 2] = [
    ("chainwatch", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"),
    ("sanctions", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
];
const LEVELS: [&str; 3] = ["low", "medium", "high"];
/// Each with the place of its provider.
const VERDICTS: [(&str, usize); 3] = [("v0", 0), ("v1", 0), ("v2", 1)];
const QUORUMS: [(&str, &[&str]); 3] = [
    ("board", &["dora"]),
    ("security", &["alice", "erin"]),
    ("treasury", &["alice", "bob", "carol"]),
];

/// A bundle of the family.
#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) rules: Vec<Rule>,
    pub(super) numbers: Numbers,
}

/// What its tables say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Numbers {
    pub(super) limit: u64,
    /// Seconds, satoshi and count of each window.
    pub(super) windows: [(u64, Option<u64>, u64); 2],
    /// Of each quorum, at most its size.
    pub(super) required: [usize; 3],
    /// Of each list, as bits of the destinations.
    pub(super) lists: [u8; 2],
    /// Of each verdict, its levels as bits, and how many seconds it is fresh.
    pub(super) verdicts: [(u8, u64); 3],
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) permit: bool,
    /// Only for services of the group.
    pub(super) grouped: bool,
    pub(super) when: Option<Condition>,
    pub(super) unless: Option<Condition>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    /// An atom, and whether it is negated where that is free.
    Atom(Atom, bool),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Atom {
    Limit,
    Quorum(usize),
    Window(usize),
    Calendar(usize),
    Verdict(usize),
    AmountUpTo(u64),
    FeeUpTo(u64),
    Listed(usize),
    Dust,
    EffectsUpTo(usize),
    Hot,
}

/// A request, and what stands around it.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) grouped: bool,
    pub(super) hot: bool,
    /// Destination, satoshi, and whether it is flagged as dust.
    pub(super) effects: Vec<(usize, u64, bool)>,
    pub(super) fee: u64,
    /// Whether it is on a durable nonce account that the bundle does not name.
    pub(super) foreign_nonce: bool,
    /// Bits of the persons.
    pub(super) approvers: u8,
    /// What each provider said last: the place of the level, and how many seconds ago.
    pub(super) ratings: [Option<(usize, u64)>; 2],
    /// Satoshi and time of what was released.
    pub(super) charges: Vec<(u64, u64)>,
    pub(super) now: u64,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Expected {
    Allow(BTreeSet<String>),
    Pending(Vec<&'static str>, Option<u64>),
    Later(u64),
    Deny,
}

/// What time, people and providers decide: which quorums, windows, calendars and verdicts hold.
#[derive(Clone, Copy)]
struct Holding {
    quorums: [bool; 3],
    windows: [bool; 2],
    calendars: [bool; 2],
    verdicts: [bool; 3],
}

impl Atom {
    /// More of these never allow less, so the lints leave no choice of the sign.
    fn is_monotonic(self) -> bool {
        match self {
            Self::Limit
            | Self::Quorum(_)
            | Self::Window(_)
            | Self::Calendar(_)
            | Self::Verdict(_)
            | Self::AmountUpTo(_)
            | Self::FeeUpTo(_) => true,
            Self::Listed(_) | Self::Dust | Self::EffectsUpTo(_) | Self::Hot => false,
        }
    }

    fn text(self) -> String {
        match self {
            Self::Limit => r#"context.limits.contains("small")"#.to_owned(),
            Self::Quorum(n) => format!("context.quorums.contains({:?})", QUORUMS[n].0),
            Self::Window(n) => format!("context.windows.contains(\"w{n}\")"),
            Self::Calendar(n) => format!("context.calendars.contains(\"c{n}\")"),
            Self::Verdict(n) => format!("context.verdicts.contains({:?})", VERDICTS[n].0),
            Self::AmountUpTo(satoshi) => format!("context.amount.nano <= {}", satoshi * 10),
            Self::FeeUpTo(satoshi) => format!("context.fee.nano <= {}", satoshi * 10),
            Self::Listed(n) => format!("context.destination in Custody::AddressList::\"l{n}\""),
            Self::Dust => r#"context.flags.contains("dust")"#.to_owned(),
            Self::EffectsUpTo(n) => format!("context.effects <= {n}"),
            Self::Hot => r#"resource in Custody::Vault::"hot""#.to_owned(),
        }
    }

    fn holds(self, model: &Model, asked: &Asked, effect: usize, holding: &Holding) -> bool {
        let (destination, satoshi, dust) = asked.effects[effect];
        match self {
            Self::Limit => asked.taken() <= u128::from(model.numbers.limit),
            Self::Quorum(n) => holding.quorums[n],
            Self::Window(n) => holding.windows[n],
            Self::Calendar(n) => holding.calendars[n],
            Self::Verdict(n) => holding.verdicts[n],
            Self::AmountUpTo(most) => satoshi <= most,
            Self::FeeUpTo(most) => asked.fee <= most,
            Self::Listed(n) => model.numbers.lists[n] & (1 << destination) != 0,
            Self::Dust => dust,
            Self::EffectsUpTo(most) => asked.effects.len() <= most,
            Self::Hot => asked.hot,
        }
    }
}

impl Condition {
    /// `allows`: whether its truth can only allow more.
    fn text(&self, allows: bool) -> String {
        match self {
            Self::And(a, b) => format!("({} && {})", a.text(allows), b.text(allows)),
            Self::Or(a, b) => format!("({} || {})", a.text(allows), b.text(allows)),
            Self::Atom(atom, negated) => {
                let negated = if atom.is_monotonic() { !allows } else { *negated };
                if negated { format!("!({})", atom.text()) } else { atom.text() }
            }
        }
    }

    fn holds(&self, allows: bool, atom_holds: &dyn Fn(Atom) -> bool) -> bool {
        match self {
            Self::And(a, b) => a.holds(allows, atom_holds) && b.holds(allows, atom_holds),
            Self::Or(a, b) => a.holds(allows, atom_holds) || b.holds(allows, atom_holds),
            Self::Atom(atom, negated) => {
                let negated = if atom.is_monotonic() { !allows } else { *negated };
                atom_holds(*atom) != negated
            }
        }
    }
}

impl Rule {
    fn applies(&self, asked: &Asked, atom_holds: &dyn Fn(Atom) -> bool) -> bool {
        let when = self.when.as_ref().is_none_or(|c| c.holds(self.permit, atom_holds));
        let unless = self.unless.as_ref().is_some_and(|c| c.holds(!self.permit, atom_holds));
        (!self.grouped || asked.grouped) && when && !unless
    }

    fn text(&self, n: usize) -> String {
        let effect = if self.permit { "permit" } else { "forbid" };
        let principal =
            if self.grouped { r#"principal in Custody::Group::"group""# } else { "principal" };
        let clause = |kind: &str, condition: &Option<Condition>, allows| {
            let text = condition.as_ref().map(|c| format!(" {kind} {{ {} }}", c.text(allows)));
            text.unwrap_or_default()
        };
        let when = clause("when", &self.when, self.permit);
        let unless = clause("unless", &self.unless, !self.permit);
        format!(
            "@id(\"r{n}\") @title(\"t\") {effect} ({principal}, action, resource){when}{unless};\n"
        )
    }
}

impl Asked {
    pub(super) fn case(&self) -> Case {
        let effects = self.effects.iter().map(|(destination, satoshi, dust)| {
            let mut effect = pay(DESTINATIONS[*destination], *satoshi);
            effect.flags.extend(dust.then_some(Flag::Dust));
            effect
        });
        let mut case = Case::with_effects(effects.collect());
        case.intent.fee = btc(self.fee);
        case.intent.nonce_account = self.foreign_nonce.then(|| address(LISTED, Network::Bitcoin));
        case.now = Timestamp::from_millis(self.now);
        case = case.approved_by(&self.approved().collect::<Vec<_>>());
        case.key = if self.hot { "treasury" } else { "other" }.parse().unwrap();
        for ((provider, _), rating) in PROVIDERS.iter().zip(self.ratings) {
            let Some((level, seconds)) = rating else { continue };
            let issued = Timestamp::from_millis(self.now - seconds * 1_000);
            case = case.rated(provider, LEVELS[level], issued);
        }
        for (n, (satoshi, time)) in self.charges.iter().enumerate() {
            let request = Digest::new([100 + n as u8; 32]);
            let (asset, time) = (Asset::native(Network::Bitcoin), Timestamp::from_millis(*time));
            case.usage.charge(&case.key, &asset, U256::from(*satoshi), time, request);
        }
        case.by(if self.grouped { "payments" } else { "desk" })
    }

    fn approved(&self) -> impl Iterator<Item = &'static str> {
        PERSONS.into_iter().enumerate().filter(|(n, _)| self.approvers & (1 << n) != 0).map(|p| p.1)
    }

    fn taken(&self) -> u128 {
        let amounts = self.effects.iter().map(|effect| effect.1);
        amounts.chain([self.fee]).map(u128::from).sum()
    }
}

impl Model {
    pub(super) fn gate(&self) -> Gate {
        Gate::new(self.bundle())
    }

    pub(super) fn bundle(&self) -> Bundle {
        let text = self.text();
        Bundle::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    fn text(&self) -> String {
        let Numbers { limit, windows, required, lists, verdicts } = &self.numbers;
        let rules: String = self.rules.iter().enumerate().map(|(n, rule)| rule.text(n)).collect();
        let asset = format!("{NETWORK}/slip44:0");
        let mut text = format!(
            "version = 1\npolicies = '''{rules}'''\n\
             [groups.group]\nservices = [\"payments\"]\n\
             [keys.treasury]\ntier = \"hot\"\nvault = \"hot\"\n\
             [assets.\"{asset}\"]\nsymbol = \"BTC\"\ndecimals = 8\n\
             [limits.small]\nasset = \"{asset}\"\nper_transaction = \"{limit}\"\n\
             [calendars.c0]\nutc_offset = \"+01:00\"\n\
             days = [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\"]\nfrom = \"08:00\"\nto = \"18:00\"\n\
             [calendars.c1]\nutc_offset = \"-05:00\"\n\
             days = [\"fri\", \"sat\"]\nfrom = \"00:00\"\nto = \"24:00\"\n"
        );
        for (n, (seconds, amount, count)) in windows.iter().enumerate() {
            let amount =
                amount.map(|amount| format!("amount = \"{amount}\"\n")).unwrap_or_default();
            let window = format!("seconds = {seconds}\n{amount}count = {count}");
            writeln!(text, "[windows.w{n}]\nasset = \"{asset}\"\n{window}").unwrap();
        }
        for ((name, members), required) in QUORUMS.iter().zip(required) {
            writeln!(text, "[quorums.{name}]\nrequired = {required}\nmembers = {members:?}")
                .unwrap();
        }
        for (provider, key) in PROVIDERS {
            writeln!(text, "[providers.{provider}]\nkey = \"{key}\"").unwrap();
        }
        for ((name, provider), (bits, seconds)) in VERDICTS.iter().zip(verdicts) {
            let levels = LEVELS.iter().enumerate().filter(|(n, _)| bits & (1 << n) != 0);
            let levels: Vec<_> = levels.map(|(_, level)| level).collect();
            let provider = PROVIDERS[*provider].0;
            writeln!(text, "[verdicts.{name}]\nprovider = {provider:?}\nlevels = {levels:?}")
                .unwrap();
            writeln!(text, "fresh_seconds = {seconds}").unwrap();
        }
        for (n, bits) in lists.iter().enumerate() {
            let on_list = DESTINATIONS.iter().enumerate().filter(|(d, _)| bits & (1 << d) != 0);
            let addresses: Vec<_> = on_list.map(|(_, address)| address).collect();
            writeln!(text, "[lists.l{n}]\nnetwork = \"{NETWORK}\"\naddresses = {addresses:?}")
                .unwrap();
        }
        text
    }

    pub(super) fn decide(&self, asked: &Asked) -> Expected {
        if asked.foreign_nonce {
            return Expected::Deny;
        }
        let said = Holding {
            quorums: self.met(asked),
            windows: [false; 2],
            calendars: [false; 2],
            verdicts: [0, 1, 2].map(|n| self.said(asked, n)),
        };
        let now = self.at(asked, &said, asked.now);
        if let Some(rules) = self.allowed_by(asked, &now) {
            return Expected::Allow(rules);
        }
        if let Some(until) = self.earliest(asked, &now) {
            return Expected::Later(until);
        }
        // What people can allow is asked of people; else verdicts are, of whoever did not refuse.
        let spoken = [0, 1, 2].map(|n| now.verdicts[n] || !self.is_refused(asked, n));
        let spoken = Holding { verdicts: spoken, ..now };
        self.of_people(asked, &now, &now)
            .or_else(|| self.of_providers(asked, &now, &spoken))
            .or_else(|| self.of_people(asked, &now, &spoken))
            .unwrap_or(Expected::Deny)
    }

    fn of_providers(&self, asked: &Asked, now: &Holding, spoken: &Holding) -> Option<Expected> {
        if self.allowed_by(asked, spoken).is_some() {
            let needed = self.needed(now, *spoken, &|h| self.allowed_by(asked, &h).is_some());
            return Some(Expected::Pending(missing(now, &needed), None));
        }
        self.earliest(asked, spoken)?;
        let needed = self.needed(now, *spoken, &|h| self.allowed_ever(asked, &h));
        let until = self.earliest(asked, &needed);
        until.is_some().then(|| Expected::Pending(missing(now, &needed), until))
    }

    fn of_people(&self, asked: &Asked, now: &Holding, spoken: &Holding) -> Option<Expected> {
        let at_once = |h: Holding| self.allowed_by(asked, &h).is_some();
        if let Some(quorums) = smallest(spoken, &at_once) {
            let needed = self.needed(now, Holding { quorums, ..*spoken }, &at_once);
            return Some(Expected::Pending(missing(now, &needed), None));
        }
        let ever = |h: Holding| self.allowed_ever(asked, &h);
        let quorums = smallest(spoken, &ever)?;
        let needed = self.needed(now, Holding { quorums, ..*spoken }, &ever);
        let until = self.earliest(asked, &needed)?;
        Some(Expected::Pending(missing(now, &needed), Some(until)))
    }

    /// Leaves out, one after the other, verdicts that are not needed.
    fn needed(&self, now: &Holding, mut all: Holding, allows: &dyn Fn(Holding) -> bool) -> Holding {
        for n in 0..3 {
            let mut fewer = all;
            fewer.verdicts[n] = now.verdicts[n];
            if allows(fewer) {
                all = fewer;
            }
        }
        all
    }

    /// With every calendar open, and every window as empty as it ever is.
    fn allowed_ever(&self, asked: &Asked, holding: &Holding) -> bool {
        let windows = [0, 1].map(|n| self.fits(asked, n, &[], asked.now));
        let in_time = Holding { windows, calendars: [true; 2], ..*holding };
        self.allowed_by(asked, &in_time).is_some()
    }

    fn is_refused(&self, asked: &Asked, verdict: usize) -> bool {
        let (levels, _) = self.numbers.verdicts[verdict];
        asked.ratings[VERDICTS[verdict].1].is_some_and(|(level, _)| levels & (1 << level) == 0)
    }

    fn allowed_by(&self, asked: &Asked, holding: &Holding) -> Option<BTreeSet<String>> {
        let mut allowed_by = BTreeSet::new();
        for effect in 0..asked.effects.len() {
            let atom_holds = |atom: Atom| atom.holds(self, asked, effect, holding);
            let rules = self.rules.iter().enumerate();
            let applied: Vec<_> = rules.filter(|(_, r)| r.applies(asked, &atom_holds)).collect();
            if applied.is_empty() || applied.iter().any(|(_, rule)| !rule.permit) {
                return None;
            }
            allowed_by.extend(applied.iter().map(|(n, _)| format!("r{n}")));
        }
        Some(allowed_by)
    }

    /// Every full hour of the next weeks, and every time at which a charge leaves a window.
    fn earliest(&self, asked: &Asked, holding: &Holding) -> Option<u64> {
        let hour = asked.now / HOUR * HOUR;
        let hours = (1..24 * 16).map(|hours| hour + hours * HOUR);
        let seconds = self.numbers.windows.map(|window| window.0);
        let leaving = asked
            .charges
            .iter()
            .flat_map(|(_, time)| seconds.map(|seconds| time + seconds * 1_000 + 1));
        let moments: BTreeSet<u64> = hours.chain(leaving).filter(|t| *t > asked.now).collect();
        moments
            .into_iter()
            .find(|time| self.allowed_by(asked, &self.at(asked, holding, *time)).is_some())
    }

    fn met(&self, asked: &Asked) -> [bool; 3] {
        [0, 1, 2].map(|n| {
            let members = QUORUMS[n].1;
            asked.approved().filter(|p| members.contains(p)).count() >= self.numbers.required[n]
        })
    }

    fn said(&self, asked: &Asked, verdict: usize) -> bool {
        let (_, fresh) = self.numbers.verdicts[verdict];
        let age = asked.ratings[VERDICTS[verdict].1].map(|(_, seconds)| seconds);
        age.is_some_and(|seconds| seconds <= fresh) && !self.is_refused(asked, verdict)
    }

    fn at(&self, asked: &Asked, holding: &Holding, time: u64) -> Holding {
        // Minutes of the week, from Monday; the epoch was a Thursday.
        let minute = |offset: u64| (time / 60_000 + 7 * 1_440 + 3 * 1_440 - offset) % (7 * 1_440);
        let local = minute(7 * 1_440 - 60);
        let office = local / 1_440 < 5 && (480..1_080).contains(&(local % 1_440));
        let days = minute(5 * 60) / 1_440;
        Holding {
            windows: [0, 1].map(|n| self.fits(asked, n, &asked.charges, time)),
            calendars: [office, days == 4 || days == 5],
            ..*holding
        }
    }

    fn fits(&self, asked: &Asked, window: usize, charges: &[(u64, u64)], time: u64) -> bool {
        let (seconds, amount, count) = self.numbers.windows[window];
        let counted = charges.iter().filter(|(_, at)| at + seconds * 1_000 >= time);
        let (satoshi, others) =
            counted.fold((0, 0), |(sum, n), (satoshi, _)| (sum + u128::from(*satoshi), n + 1));
        amount.is_none_or(|most| satoshi + asked.taken() <= u128::from(most)) && others < count
    }
}

/// Every set of quorums beside those that are met, the smaller first.
fn smallest(holding: &Holding, allows: &dyn Fn(Holding) -> bool) -> Option<[bool; 3]> {
    const BY_SIZE: [&[usize]; 8] = [&[], &[0], &[1], &[2], &[0, 1], &[0, 2], &[1, 2], &[0, 1, 2]];
    let sets = BY_SIZE.into_iter().filter(|set| set.iter().all(|n| !holding.quorums[*n]));
    sets.map(|set| [0, 1, 2].map(|n| holding.quorums[n] || set.contains(&n)))
        .find(|quorums| allows(Holding { quorums: *quorums, ..*holding }))
}

/// Quorums, then verdicts, that hold there and not here.
fn missing(now: &Holding, then: &Holding) -> Vec<&'static str> {
    let quorums = [0, 1, 2].into_iter().filter(|n| then.quorums[*n] && !now.quorums[*n]);
    let verdicts = [0, 1, 2].into_iter().filter(|n| then.verdicts[*n] && !now.verdicts[*n]);
    quorums.map(|n| QUORUMS[n].0).chain(verdicts.map(|n| VERDICTS[n].0)).collect()
}
