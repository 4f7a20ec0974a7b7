//! Numbers as CUE has them: decimal, exact to 34 digits, an integer or a float by how they are written.
//! What would need more digits is refused, never rounded, division aside, which CUE itself rounds.

use std::cmp::Ordering;
use std::fmt;

/// A coefficient of at most 34 digits times a power of ten.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number {
    coefficient: i128,
    exponent: i32,
    integer: bool,
}

/// A number needs more digits, or a larger exponent, than are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLong;

impl Number {
    /// A number from its parts; an integer's exponent is multiplied out.
    pub(crate) fn new(coefficient: i128, exponent: i32, integer: bool) -> Result<Self, TooLong> {
        let mut number = Self { coefficient, exponent, integer };
        while number.integer && number.exponent > 0 {
            number.coefficient = number.coefficient.checked_mul(10).ok_or(TooLong)?;
            number.exponent -= 1;
        }
        let fits = number.coefficient.abs() < LIMIT && number.exponent.abs() <= EXPONENTS;
        if fits { Ok(number) } else { Err(TooLong) }
    }

    /// An integer that surely fits.
    pub(crate) fn integer(value: i64) -> Self {
        Self { coefficient: i128::from(value), exponent: 0, integer: true }
    }

    /// The number that decimal text stands for: digits, perhaps a point, perhaps an exponent.
    pub(crate) fn parse(text: &str) -> Result<Self, TooLong> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| TooLong)?),
            None => (text, 0),
        };
        let integer = !text.contains(['.', 'e', 'E']);
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        let places = i32::try_from(fraction.len()).map_err(|_| TooLong)?;
        let coefficient = digits.parse::<i128>().map_err(|_| TooLong)?;
        Self::new(coefficient, exponent.checked_sub(places).ok_or(TooLong)?, integer)
    }

    /// Whether it was written, or computed, as an integer.
    pub(crate) fn is_integer(self) -> bool {
        self.integer
    }

    /// The same value as an integer, if it has no fraction.
    pub(crate) fn into_integer(self) -> Option<Self> {
        let floor = self.floor()?;
        (floor.compare(self) == Ordering::Equal).then_some(floor)
    }

    /// The value, where it is an integer that fits.
    pub(crate) fn to_i64(self) -> Option<i64> {
        (self.integer && self.exponent == 0).then(|| i64::try_from(self.coefficient).ok()).flatten()
    }

    /// The order of the values, whatever their kinds.
    pub(crate) fn compare(self, other: Self) -> Ordering {
        let signs = self.coefficient.signum().cmp(&other.coefficient.signum());
        if signs != Ordering::Equal || self.coefficient == 0 {
            return signs;
        }
        let sizes = self.magnitude().cmp(&other.magnitude());
        let sizes = if self.coefficient < 0 { sizes.reverse() } else { sizes };
        if sizes != Ordering::Equal {
            return sizes;
        }
        // of the same magnitude, so that the exponents differ by at most the digits kept
        match self.exponent.cmp(&other.exponent) {
            Ordering::Equal => self.coefficient.cmp(&other.coefficient),
            Ordering::Greater => self.lowered_to(other.exponent).cmp(&Some(other.coefficient)),
            Ordering::Less => Some(self.coefficient).cmp(&other.lowered_to(self.exponent)),
        }
    }

    /// The sum, exactly.
    pub(crate) fn add(self, other: Self) -> Result<Self, TooLong> {
        let exponent = self.exponent.min(other.exponent);
        let left = self.lowered_to(exponent).ok_or(TooLong)?;
        let right = other.lowered_to(exponent).ok_or(TooLong)?;
        Self::new(left.checked_add(right).ok_or(TooLong)?, exponent, self.integer && other.integer)
    }

    /// The product, exactly.
    pub(crate) fn multiply(self, other: Self) -> Result<Self, TooLong> {
        let coefficient = self.coefficient.checked_mul(other.coefficient).ok_or(TooLong)?;
        Self::new(coefficient, self.exponent + other.exponent, self.integer && other.integer)
    }

    /// The opposite number.
    pub(crate) fn negate(self) -> Self {
        Self { coefficient: -self.coefficient, ..self }
    }

    /// The quotient as a float, rounded half up at the 34th digit; `None` where the divisor is zero.
    pub(crate) fn divide(self, other: Self) -> Option<Result<Self, TooLong>> {
        if other.coefficient == 0 {
            return None;
        }
        let divisor = other.coefficient.abs();
        let mut quotient = self.coefficient.abs() / divisor;
        let mut rest = self.coefficient.abs() % divisor;
        let mut exponent = self.exponent - other.exponent;
        while rest != 0 && quotient < LIMIT / 10 {
            rest *= 10;
            quotient = quotient * 10 + rest / divisor;
            rest %= divisor;
            exponent -= 1;
        }
        if rest * 2 >= divisor {
            quotient += 1;
        }
        let sign = self.coefficient.signum() * other.coefficient.signum();
        Some(Self::new(sign * quotient, exponent, false))
    }

    /// Two integers' quotient and remainder: the remainder never negative (`euclidean`), or of the dividend's sign.
    pub(crate) fn divide_integers(self, other: Self, euclidean: bool) -> Option<(Self, Self)> {
        let (left, right) = (self.coefficient, other.coefficient);
        let parts = if euclidean {
            (left.checked_div_euclid(right)?, left.checked_rem_euclid(right)?)
        } else {
            (left.checked_div(right)?, left.checked_rem(right)?)
        };
        let integer = |coefficient| Self { coefficient, exponent: 0, integer: true };
        Some((integer(parts.0), integer(parts.1)))
    }

    /// The largest integer that is not larger; `None` where it has too many digits.
    pub(crate) fn floor(self) -> Option<Self> {
        if self.exponent >= 0 {
            return Self::new(self.coefficient, self.exponent, true).ok();
        }
        let unit = u32::try_from(-self.exponent).ok().and_then(|places| 10_i128.checked_pow(places));
        let whole = match unit {
            Some(unit) => self.coefficient.div_euclid(unit),
            None => self.coefficient.signum().min(0),
        };
        Self::new(whole, 0, true).ok()
    }

    /// The smallest integer that is not smaller; `None` where it has too many digits.
    pub(crate) fn ceil(self) -> Option<Self> {
        self.negate().floor().map(Self::negate)
    }

    fn magnitude(self) -> i64 {
        let digits = self.coefficient.unsigned_abs().checked_ilog10().unwrap_or(0);
        i64::from(digits) + i64::from(self.exponent)
    }

    fn lowered_to(self, exponent: i32) -> Option<i128> {
        let places = u32::try_from(self.exponent - exponent).ok()?;
        if self.coefficient == 0 {
            return Some(0);
        }
        self.coefficient.checked_mul(10_i128.checked_pow(places)?)
    }
}

impl fmt::Display for Number {
    /// Plain digits; a float without a fraction keeps its point, a large exponent is written as one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.coefficient.unsigned_abs().to_string();
        if self.coefficient < 0 {
            write!(f, "-")?;
        }
        let places = usize::try_from(-i64::from(self.exponent)).unwrap_or(0);
        match self.exponent {
            0 if self.integer => write!(f, "{digits}"),
            0 => write!(f, "{digits}.0"),
            1.. => write!(f, "{digits}e+{}", self.exponent),
            -40..0 => {
                let padded = format!("{digits:0>width$}", width = places + 1);
                let (whole, fraction) = padded.split_at(padded.len() - places);
                write!(f, "{whole}.{fraction}")
            }
            _ => write!(f, "{digits}e{}", self.exponent),
        }
    }
}

/// Ten to the 34th.
const LIMIT: i128 = 10_000_000_000_000_000_000_000_000_000_000_000;
/// Far more than a double's range.
const EXPONENTS: i32 = 2_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number::parse(text).unwrap()
    }

    #[test]
    fn order_goes_by_value_not_by_spelling() {
        assert_eq!(number("1.10").compare(number("1.1")), Ordering::Equal);
        assert_eq!(number("1e300").compare(number("9")), Ordering::Greater);
        assert_eq!(number("1e-300").compare(number("0")), Ordering::Greater);
        assert_eq!(number("10").negate().compare(number("9.5").negate()), Ordering::Less);
    }

    #[test]
    fn a_third_has_34_digits() {
        let third = number("1").divide(number("3")).unwrap().unwrap();
        assert_eq!(third.to_string(), "0.3333333333333333333333333333333333");
        let two_thirds = number("2").divide(number("3")).unwrap().unwrap();
        assert_eq!(two_thirds.to_string(), "0.6666666666666666666666666666666667");
    }

    #[test]
    fn what_is_too_long_is_refused() {
        assert!(Number::parse("12345678901234567890123456789012345").is_err());
        assert!(number("1e20").add(number("1e-20")).is_err());
        assert!(Number::parse("1e99999").is_err());
    }

    #[test]
    fn floor_and_ceil_of_negative_fractions() {
        let number = number("2.5").negate();
        assert_eq!(number.floor().and_then(Number::to_i64), Some(-3));
        assert_eq!(number.ceil().and_then(Number::to_i64), Some(-2));
    }

    #[test]
    fn nothing_is_divided_by_zero() {
        assert!(number("1").divide(number("0")).is_none());
        assert!(number("1").divide_integers(number("0"), true).is_none());
    }
}
