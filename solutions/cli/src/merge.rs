//! The one place of the shell that knows merge operators.

use tinydb::{Db, DbBuilder};

use crate::failure::Failure;

/// What merge operands mean, chosen when the database is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum OperatorName {
    /// Operands are numbers, which are added up
    Counter,
    /// Operands are bytes, which are put one behind the other
    Concat,
    /// There are no operands
    #[default]
    None,
}

const NOT_KNOWN: &str = "merge operators are not known to this database: they are week 6's";

/// Lets the database be opened with an operator.
pub fn with_operator(builder: DbBuilder, name: OperatorName) -> Result<DbBuilder, Failure> {
    match name {
        OperatorName::None => Ok(builder),
        OperatorName::Counter | OperatorName::Concat => Err(Failure::Merge(NOT_KNOWN)),
    }
}

/// Changes the value of a key by an operand, as it was typed.
pub fn merge(_db: &Db, _key: &[u8], _operand: &[u8]) -> Result<(), Failure> {
    Err(Failure::Merge(NOT_KNOWN))
}
