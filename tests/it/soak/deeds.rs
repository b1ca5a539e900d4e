//! What can be done, how often it is, and who does it.

use std::collections::VecDeque;

use tonic::{Response, Status};
use uuid::Uuid;

use super::world::World;
use crate::{
    channel::Channel,
    dice::Dice,
    harness::{Person, by},
};

/// Something that somebody does: some calls, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    Browse,
    LookAtPeople,
    UpdateProfile,
    ChangePicture,
    Prefer,
    Preview,
    SignIn,
    Invite,
    MakeFolder,
    MakeDocument,
    DoTask,
    Talk,
    Publish,
    Watch,
    ListJobs,
    Copy,
}

/// How often each is done, in a hundred times. That what reads is done more often is a guess.
const MIX: [(Deed, u64); 16] = [
    (Deed::Browse, 20),
    (Deed::LookAtPeople, 15),
    (Deed::UpdateProfile, 6),
    (Deed::ChangePicture, 3),
    (Deed::Prefer, 6),
    (Deed::Preview, 4),
    (Deed::SignIn, 3),
    (Deed::Invite, 3),
    (Deed::MakeFolder, 7),
    (Deed::MakeDocument, 6),
    (Deed::DoTask, 5),
    (Deed::Talk, 6),
    (Deed::Publish, 7),
    (Deed::Watch, 5),
    (Deed::ListJobs, 3),
    (Deed::Copy, 1),
];

impl Deed {
    pub const ALL: [Self; 16] = {
        let mut all = [Self::Browse; 16];
        let mut number = 0;
        while number < all.len() {
            all[number] = MIX[number].0;
            number += 1;
        }
        all
    };

    /// One of them, by chance.
    fn any(dice: &mut Dice) -> Self {
        let mut left = dice.roll(MIX.iter().map(|it| it.1).sum());
        for (deed, share) in MIX {
            if left < share {
                return deed;
            }
            left -= share;
        }
        unreachable!("the shares are all that is rolled")
    }
}

/// What somebody will do: everything that nobody else does first, and then what the dice say.
pub struct Turn {
    first: VecDeque<Deed>,
    dice: Dice,
    /// Which of them this is, and how many they are.
    place: (usize, usize),
}

/// The turns of so many, who together begin with everything.
pub fn turns(seed: u64, callers: usize) -> Vec<Turn> {
    let turn = |number: usize| {
        let first = Deed::ALL.into_iter().skip(number).step_by(callers).collect();
        // The state of these dice must not be nothing, and they are alike for some rolls when their states are.
        let mut dice = Dice((seed ^ (number as u64 + 1)).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..8 {
            dice.roll(2);
        }
        Turn { first, dice, place: (number, callers) }
    };
    (0..callers).map(turn).collect()
}

/// Somebody who does things.
pub struct Caller {
    pub world: World,
    /// Whom they invite.
    pub guest: Person,
    pub server: Channel,
    pub daemon: Channel,
    turn: Turn,
}

impl Caller {
    pub fn new(world: World, number: usize, turn: Turn, server: Channel, daemon: Channel) -> Self {
        Self { guest: world.guests[number].clone(), world, server, daemon, turn }
    }

    pub fn into_turn(self) -> Turn {
        self.turn
    }

    /// A number below `sides`.
    pub fn roll(&mut self, sides: usize) -> usize {
        usize::try_from(self.turn.dice.roll(sides as u64)).unwrap()
    }

    /// Anybody of the account.
    pub fn anybody(&mut self) -> Person {
        let number = self.roll(self.world.people.len());
        self.world.people[number].clone()
    }

    /// One of those for whom nobody else does anything: nobody is in two places at once.
    fn one_of_ours(&mut self) -> Person {
        let (number, callers) = self.turn.place;
        let ours = self.world.people.len().saturating_sub(number).div_ceil(callers);
        let one = number + callers * self.roll(ours);
        self.world.people[one].clone()
    }

    /// Any of the WorkCenters.
    pub fn place(&mut self) -> Uuid {
        let number = self.roll(self.world.places.len());
        self.world.places[number]
    }

    /// What is next.
    pub fn next(&mut self) -> Deed {
        self.turn.first.pop_front().unwrap_or_else(|| Deed::any(&mut self.turn.dice))
    }

    /// What is next that waits for no daemon.
    pub fn next_that_is_answered(&mut self) -> Deed {
        loop {
            match self.next() {
                Deed::Copy => {}
                deed => return deed,
            }
        }
    }

    /// Does it, as one of the account.
    pub async fn do_(&mut self, deed: Deed) -> Result<(), Status> {
        let who = self.one_of_ours();
        match deed {
            Deed::Browse => self.browse(&who).await,
            Deed::LookAtPeople => self.look_at_people(&who).await,
            Deed::UpdateProfile => self.update_profile(&who).await,
            Deed::ChangePicture => self.change_picture(&who).await,
            Deed::Prefer => self.prefer(&who).await,
            Deed::Preview => self.preview(&who).await,
            Deed::SignIn => self.sign_in(&who).await,
            Deed::Invite => self.invite().await,
            Deed::MakeFolder => self.make_folder(&who).await,
            Deed::MakeDocument => self.make_document(&who).await,
            Deed::DoTask => self.do_task(&who).await,
            Deed::Talk => self.talk(&who).await,
            Deed::Publish => self.publish(&who).await,
            Deed::Watch => self.watch(&who).await,
            Deed::ListJobs => self.list_jobs(&who).await,
            Deed::Copy => self.copy().await,
        }?;
        self.world.did(deed);
        Ok(())
    }

    /// The answer to a call, which is counted.
    pub async fn answer<T>(&self, call: impl Future<Output = Result<Response<T>, Status>>) -> Result<T, Status> {
        let answer = call.await?;
        self.world.answered();
        Ok(answer.into_inner())
    }
}

/// A request by somebody.
pub fn of<T>(who: &Person, message: T) -> tonic::Request<T> {
    by(&who.token, message)
}
