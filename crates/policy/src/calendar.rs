//! Calendars: weekly hours at a fixed offset from UTC.

use std::collections::BTreeSet;

use quorate_model::Timestamp;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// Hours on some days of each week, in a time zone that knows no daylight saving: where clocks
/// change, two bundles a year say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Calendar {
    /// Milliseconds to add to UTC for local time.
    pub(crate) offset: i64,
    /// Days of the week, Monday as 0.
    pub(crate) days: BTreeSet<i64>,
    /// Milliseconds of the day at which it begins.
    pub(crate) from: i64,
    /// Milliseconds of the day at which it has ended.
    pub(crate) to: i64,
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Calendar {
    /// Parses an offset such as `+01:00`, days such as `mon`, and times such as `08:00`; `24:00`
    /// ends a day. Hours over midnight are two calendars.
    ///
    /// # Errors
    /// What is wrong with the entry.
    pub(crate) fn parse(
        utc_offset: &str,
        days: &BTreeSet<String>,
        from: &str,
        to: &str,
    ) -> Result<Self, &'static str> {
        let offset = offset(utc_offset)
            .ok_or("utc_offset must be between -12:00 and +14:00, such as +01:00")?;
        let day = |name: &String| DAYS.iter().position(|day| day == name).map(|day| day as i64);
        let days: Option<BTreeSet<i64>> = days.iter().map(day).collect();
        let days = days
            .filter(|days| !days.is_empty())
            .ok_or("days must name at least one of mon, tue, wed, thu, fri, sat, sun")?;
        let time = |text| time(text).ok_or("from and to must be times between 00:00 and 24:00");
        let (from, to) = (time(from)?, time(to)?);
        if from >= to {
            return Err("from must be before to: hours over midnight are two calendars");
        }
        Ok(Self { offset, days, from, to })
    }

    /// Whether a time is within the hours.
    pub(crate) fn contains(&self, now: Timestamp) -> bool {
        let local = self.local(now);
        let time = local.rem_euclid(DAY);
        self.is_open_on(local.div_euclid(DAY)) && self.from <= time && time < self.to
    }

    /// When the hours begin in the week after a time, in order.
    pub(crate) fn openings(&self, after: Timestamp) -> impl Iterator<Item = Timestamp> {
        let today = self.local(after).div_euclid(DAY);
        (0..=7)
            .map(move |days| today.saturating_add(days))
            .filter(|day| self.is_open_on(*day))
            .filter_map(|day| {
                let local = day.checked_mul(DAY)?.checked_add(self.from)?;
                u64::try_from(local.checked_sub(self.offset)?).ok()
            })
            .map(Timestamp::from_millis)
            .filter(move |opening| *opening > after)
    }

    /// The days, in the order of the week.
    pub(crate) fn day_names(&self) -> impl Iterator<Item = &'static str> {
        let named = (0..).zip(DAYS);
        named.filter(|(day, _)| self.days.contains(day)).map(|(_, name)| name)
    }

    /// The time of day at which it begins, as written.
    pub(crate) fn begins(&self) -> String {
        time_text(self.from)
    }

    /// The time of day at which it has ended, as written.
    pub(crate) fn ends(&self) -> String {
        time_text(self.to)
    }

    /// The offset from UTC, as written.
    pub(crate) fn utc_offset_text(&self) -> String {
        let sign = if self.offset < 0 { '-' } else { '+' };
        format!("{sign}{}", time_text(self.offset.abs()))
    }

    /// Milliseconds of local time since 1970-01-01T00:00. Times beyond 63 bits are refused before
    /// any rule is asked.
    fn local(&self, now: Timestamp) -> i64 {
        i64::try_from(now.millis()).unwrap_or(i64::MAX).saturating_add(self.offset)
    }

    fn is_open_on(&self, day: i64) -> bool {
        // 1970-01-01 was a Thursday.
        self.days.contains(&day.saturating_add(3).rem_euclid(7))
    }
}

fn offset(text: &str) -> Option<i64> {
    let (sign, time_text) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+')?),
    };
    let offset = time(time_text)?.checked_mul(sign)?;
    (-12 * 60 * MINUTE..=14 * 60 * MINUTE).contains(&offset).then_some(offset)
}

/// `HH:MM`, up to `24:00`, in milliseconds.
fn time(text: &str) -> Option<i64> {
    let number = |digits: &str, below: i64| {
        let plain = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse::<i64>().ok().filter(|n| plain && *n < below)
    };
    let (hours, minutes) = text.split_once(':')?;
    let time = number(hours, 25)? * 60 * MINUTE + number(minutes, 60)? * MINUTE;
    (time <= DAY).then_some(time)
}

fn time_text(millis: i64) -> String {
    let minutes = millis / MINUTE;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(
        utc_offset: &str,
        days: &[&str],
        from: &str,
        to: &str,
    ) -> Result<Calendar, &'static str> {
        let days = days.iter().map(|day| (*day).to_owned()).collect();
        Calendar::parse(utc_offset, &days, from, to)
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_calendar_is_told_as_it_was_written() {
        for (offset, from, to) in [("-03:30", "08:05", "24:00"), ("+00:00", "00:00", "09:00")] {
            let calendar = calendar(offset, &["sun", "mon"], from, to).unwrap();
            let told = (calendar.utc_offset_text(), calendar.begins(), calendar.ends());
            assert_eq!(told, (offset.to_owned(), from.to_owned(), to.to_owned()));
            assert_eq!(calendar.day_names().collect::<Vec<_>>(), ["mon", "sun"]);
        }
    }

    #[test]
    fn hours_are_local_and_end_before_their_end() {
        // 2026-11-23 is a Monday.
        let office = calendar("+01:00", &["mon", "tue"], "08:00", "18:00").unwrap();
        for (time, open) in [
            ("2026-11-23T06:59:59.999Z", false),
            ("2026-11-23T07:00:00.000Z", true),
            ("2026-11-23T16:59:59.999Z", true),
            ("2026-11-23T17:00:00.000Z", false),
            ("2026-11-22T10:00:00.000Z", false),
            ("2026-11-24T10:00:00.000Z", true),
            ("2026-11-25T10:00:00.000Z", false),
        ] {
            assert_eq!(office.contains(at(time)), open, "{time}");
        }
    }

    #[test]
    fn the_local_day_counts() {
        let monday = calendar("+14:00", &["mon"], "00:00", "24:00").unwrap();
        assert!(monday.contains(at("2026-11-22T10:00:00.000Z")));
        assert!(!monday.contains(at("2026-11-23T10:00:00.000Z")));
        let monday = calendar("-12:00", &["mon"], "00:00", "24:00").unwrap();
        assert!(!monday.contains(at("2026-11-23T11:59:59.999Z")));
        assert!(monday.contains(at("2026-11-24T11:59:59.999Z")));
        let wednesday = calendar("-12:00", &["wed"], "00:00", "24:00").unwrap();
        assert!(wednesday.contains(Timestamp::ZERO));
    }

    #[test]
    fn the_next_openings_are_within_a_week() {
        let office = calendar("+01:00", &["mon", "wed"], "08:00", "18:00").unwrap();
        let openings =
            |after: &str| office.openings(at(after)).map(|t| t.to_string()).collect::<Vec<_>>();
        let (monday, wednesday) = ("2026-11-23T07:00:00.000Z", "2026-11-25T07:00:00.000Z");
        assert_eq!(openings("2026-11-22T10:00:00.000Z"), [monday, wednesday]);
        assert_eq!(openings(monday), [wednesday, "2026-11-30T07:00:00.000Z"]);
    }

    #[test]
    fn what_is_no_calendar_is_refused() {
        assert!(calendar("+01:00", &["mon"], "00:00", "24:00").is_ok());
        for (utc_offset, days, from, to) in [
            ("+14:01", &["mon"][..], "08:00", "18:00"),
            ("-12:01", &["mon"], "08:00", "18:00"),
            ("Z", &["mon"], "08:00", "18:00"),
            ("01:00", &["mon"], "08:00", "18:00"),
            ("+1:00", &["mon"], "08:00", "18:00"),
            ("+01:00", &[], "08:00", "18:00"),
            ("+01:00", &["Monday"], "08:00", "18:00"),
            ("+01:00", &["mon"], "8:00", "18:00"),
            ("+01:00", &["mon"], "08:00", "24:01"),
            ("+01:00", &["mon"], "08:60", "18:00"),
            ("+01:00", &["mon"], "+8:00", "18:00"),
            ("+01:00", &["mon"], "18:00", "08:00"),
            ("+01:00", &["mon"], "08:00", "08:00"),
        ] {
            assert!(calendar(utc_offset, days, from, to).is_err(), "{utc_offset} {from} {to}");
        }
    }
}
