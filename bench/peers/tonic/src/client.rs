use std::time::Instant;

use tokio_stream::{wrappers::ReceiverStream, StreamExt};
use tonic::transport::{Channel, Endpoint};

use crate::echo::echo_client::EchoClient;
use crate::echo::Message;
use crate::meter::{over, print_started, run, Worker};
use crate::{Arguments, REPLIES};

type Client = EchoClient<Channel>;

fn endpoint(port: &str) -> Endpoint {
    let target = format!("http://127.0.0.1:{port}");
    Endpoint::from_shared(target)
        .expect("a port")
        .tcp_nodelay(true)
}

/// One backend: a plain channel. Several: tonic's balancer, which chooses the less loaded of two.
fn open(ports: &str) -> Client {
    let mut endpoints = ports.split(',').map(endpoint).peekable();
    let first = endpoints.next().expect("a port");
    let channel = if endpoints.peek().is_none() {
        first.connect_lazy()
    } else {
        Channel::balance_list(std::iter::once(first).chain(endpoints))
    };
    EchoClient::new(channel).max_decoding_message_size(8 << 20)
}

pub async fn measure(a: Arguments) {
    print_started();
    let client = open(a.text("port"));
    let text = "a".repeat(a.count("size", 16));
    let in_flight = a.count("inflight", 100);
    let workers = match a.text("mode") {
        "both" => (0..a.count("streams", 1))
            .map(|_| tokio::spawn(both(client.clone(), text.clone(), in_flight)))
            .collect(),
        "many" => (0..in_flight)
            .map(|_| tokio::spawn(many(client.clone(), text.clone())))
            .collect(),
        _ => (0..in_flight)
            .map(|_| tokio::spawn(unary(client.clone(), text.clone())))
            .collect(),
    };
    run(&a, workers).await;
    std::process::exit(0); // At once: streams are still open.
}

async fn unary(mut client: Client, text: String) -> Worker {
    let mut worker = Worker::new();
    while !over() {
        let begun = Instant::now();
        let reply = client.unary(Message { text: text.clone() }).await;
        worker.ended(begun);
        match reply {
            Ok(reply) if reply.get_ref().text.len() == text.len() => (),
            Ok(_) => worker.failed(&"a reply has another size"),
            Err(status) => worker.failed(&status),
        }
    }
    worker
}

/// One message in flight for each place in the channel that the requests come from.
async fn both(mut client: Client, text: String, in_flight: usize) -> Worker {
    let mut worker = Worker::new();
    let (sender, receiver) = tokio::sync::mpsc::channel(in_flight);
    let mut begun = std::collections::VecDeque::new();
    for _ in 0..in_flight {
        begun.push_back(Instant::now());
        sender
            .try_send(Message { text: text.clone() })
            .expect("room");
    }
    let replies = client
        .both(ReceiverStream::new(receiver))
        .await
        .expect("a stream");
    let mut replies = replies.into_inner();
    while !over() {
        match replies.next().await {
            Some(Ok(reply)) if reply.text.len() == text.len() => (),
            Some(Ok(_)) => worker.failed(&"a reply has another size"),
            Some(Err(status)) => worker.failed(&status),
            None => panic!("the stream has ended"),
        }
        worker.ended(begun.pop_front().expect("a message"));
        begun.push_back(Instant::now());
        let _ = sender.try_send(Message { text: text.clone() });
    }
    worker
}

async fn many(mut client: Client, text: String) -> Worker {
    let mut worker = Worker::new();
    while !over() {
        let (begun, mut count) = (Instant::now(), 0);
        let replies = client.many(Message { text: text.clone() }).await;
        let mut replies = replies.expect("a stream").into_inner();
        while let Some(reply) = replies.next().await {
            match reply {
                Ok(reply) if reply.text.len() == text.len() => count += 1,
                Ok(_) => worker.failed(&"a reply has another size"),
                Err(status) => worker.failed(&status),
            }
            worker.ended(begun);
        }
        if count != REPLIES {
            worker.failed(&"replies are missing");
        }
    }
    worker
}
