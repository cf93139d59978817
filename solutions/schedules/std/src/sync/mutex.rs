//! A mutex whose guard knows it: a wait that ends early has to take it again.

use ::std::ops::{Deref, DerefMut};
use ::std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};

use shuttle::sync as checked;

/// `std::sync::Mutex`.
#[derive(Debug, Default)]
pub struct Mutex<T>(checked::Mutex<T>);

/// `std::sync::MutexGuard`.
#[derive(Debug)]
pub struct MutexGuard<'a, T> {
    mutex: &'a Mutex<T>,
    inner: checked::MutexGuard<'a, T>,
}

impl<T> Mutex<T> {
    /// A mutex that nobody holds.
    pub const fn new(value: T) -> Self {
        Self(checked::Mutex::new(value))
    }

    /// Waits for the lock.
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        self.guard(self.0.lock())
    }

    /// Takes the lock, unless somebody has it.
    pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(inner) => Ok(MutexGuard { mutex: self, inner }),
            Err(TryLockError::WouldBlock) => Err(TryLockError::WouldBlock),
            Err(TryLockError::Poisoned(poisoned)) => {
                let inner = poisoned.into_inner();
                Err(PoisonError::new(MutexGuard { mutex: self, inner }).into())
            }
        }
    }

    /// What is in it, at last.
    pub fn into_inner(self) -> LockResult<T> {
        self.0.into_inner()
    }

    pub(super) fn guard<'a>(
        &'a self,
        locked: LockResult<checked::MutexGuard<'a, T>>,
    ) -> LockResult<MutexGuard<'a, T>> {
        match locked {
            Ok(inner) => Ok(MutexGuard { mutex: self, inner }),
            Err(poisoned) => {
                let inner = poisoned.into_inner();
                Err(PoisonError::new(MutexGuard { mutex: self, inner }))
            }
        }
    }
}

impl<'a, T> MutexGuard<'a, T> {
    pub(super) fn into_parts(self) -> (&'a Mutex<T>, checked::MutexGuard<'a, T>) {
        (self.mutex, self.inner)
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}
