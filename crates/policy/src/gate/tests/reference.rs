//! A gate that is written to be read, not to be used: it knows a small family of rules, asks them in
//! the plainest way, and tries every set of quorums and every hour.

use std::fmt::Write as _;

use super::*;

pub(super) const PERSONS: [&str; 5] = ["alice", "bob", "carol", "dora", "erin"];
pub(super) const DESTINATIONS: [&str; 3] = [LISTED, DENIED, STRANGER];
const HOUR: u64 = 3_600_000;
const NETWORK: &str = "bip122:000000000019d6689c085ae165831e93";
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

/// What time and approvals decide: which quorums, windows and calendars hold.
#[derive(Clone, Copy)]
struct Holding {
    quorums: [bool; 3],
    windows: [bool; 2],
    calendars: [bool; 2],
}

impl Atom {
    /// More of these never allow less, so the lints leave no choice of the sign.
    fn is_monotonic(self) -> bool {
        match self {
            Self::Limit
            | Self::Quorum(_)
            | Self::Window(_)
            | Self::Calendar(_)
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
        let Numbers { limit, windows, required, lists } = &self.numbers;
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
        let now = self.holding(asked, self.met(asked), asked.now);
        if let Some(rules) = self.allowed_by(asked, &now) {
            return Expected::Allow(rules);
        }
        if let Some(until) = self.earliest(asked, now.quorums) {
            return Expected::Later(until);
        }
        let in_time = Holding {
            windows: [0, 1].map(|n| self.fits(asked, n, &[], asked.now)),
            calendars: [true; 2],
            ..now
        };
        for holding in [now, in_time] {
            let Some(quorums) = self.smallest(asked, &holding) else { continue };
            let missing = QUORUMS.iter().zip(quorums).zip(now.quorums);
            let missing = missing.filter(|((_, then), now)| *then && !now).map(|((q, _), _)| q.0);
            let at_once = self.allowed_by(asked, &Holding { quorums, ..now }).is_some();
            let until = if at_once { None } else { self.earliest(asked, quorums) };
            if at_once || until.is_some() {
                return Expected::Pending(missing.collect(), until);
            }
        }
        Expected::Deny
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

    /// Every set of quorums beside those that are met, the smaller first.
    fn smallest(&self, asked: &Asked, holding: &Holding) -> Option<[bool; 3]> {
        const BY_SIZE: [&[usize]; 7] = [&[0], &[1], &[2], &[0, 1], &[0, 2], &[1, 2], &[0, 1, 2]];
        let sets = BY_SIZE.into_iter().filter(|set| set.iter().all(|n| !holding.quorums[*n]));
        sets.map(|set| [0, 1, 2].map(|n| holding.quorums[n] || set.contains(&n))).find(|quorums| {
            self.allowed_by(asked, &Holding { quorums: *quorums, ..*holding }).is_some()
        })
    }

    /// Every full hour of the next weeks, and every time at which a charge leaves a window.
    fn earliest(&self, asked: &Asked, quorums: [bool; 3]) -> Option<u64> {
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
            .find(|time| self.allowed_by(asked, &self.holding(asked, quorums, *time)).is_some())
    }

    fn met(&self, asked: &Asked) -> [bool; 3] {
        [0, 1, 2].map(|n| {
            let members = QUORUMS[n].1;
            asked.approved().filter(|p| members.contains(p)).count() >= self.numbers.required[n]
        })
    }

    fn holding(&self, asked: &Asked, quorums: [bool; 3], time: u64) -> Holding {
        // Minutes of the week, from Monday; the epoch was a Thursday.
        let minute = |offset: u64| (time / 60_000 + 7 * 1_440 + 3 * 1_440 - offset) % (7 * 1_440);
        let local = minute(7 * 1_440 - 60);
        let office = local / 1_440 < 5 && (480..1_080).contains(&(local % 1_440));
        let days = minute(5 * 60) / 1_440;
        Holding {
            quorums,
            windows: [0, 1].map(|n| self.fits(asked, n, &asked.charges, time)),
            calendars: [office, days == 4 || days == 5],
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
