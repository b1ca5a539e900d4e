//! Any call by its path, with a message that is bytes already, and answers that are.

use futures_util::Stream;
use prost::bytes::{Buf, BufMut};
use tonic::{
    Request, Status, Streaming,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};

use crate::channel::Channel;

#[derive(Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, message: Vec<u8>, wire: &mut EncodeBuf<'_>) -> Result<(), Status> {
        wire.put_slice(&message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, wire: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let length = wire.remaining();
        Ok(Some(wire.copy_to_bytes(length).into()))
    }
}

/// Makes the call at `path` and waits for its first answer, or for its end, which is like an answer with nothing in it.
pub async fn call(channel: Channel, path: &str, request: Request<Vec<u8>>) -> Result<Vec<u8>, Status> {
    open(channel, path, request).await?.message().await.map(Option::unwrap_or_default)
}

/// Makes the call at `path` and waits until it is taken, or refused: a stream may have nothing to say for long.
pub async fn open(channel: Channel, path: &str, request: Request<Vec<u8>>) -> Result<Streaming<Vec<u8>>, Status> {
    let mut client = Grpc::new(channel);
    client.ready().await.map_err(|error| Status::unknown(error.to_string()))?;
    // To a client one answer is a stream that is over soon.
    Ok(client.server_streaming(request, path.parse().unwrap(), Raw).await?.into_inner())
}

/// Makes the call at `path` with these messages and waits until it is taken, or refused.
pub async fn talk(
    channel: Channel,
    path: &str,
    request: Request<impl Stream<Item = Vec<u8>> + Send + 'static>,
) -> Result<Streaming<Vec<u8>>, Status> {
    let mut client = Grpc::new(channel);
    client.ready().await.map_err(|error| Status::unknown(error.to_string()))?;
    // To a client one message is a stream that is over soon.
    Ok(client.streaming(request, path.parse().unwrap(), Raw).await?.into_inner())
}
