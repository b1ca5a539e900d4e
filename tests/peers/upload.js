// Uploads a picture as a client of grpc-js does, reads it back, and prints how that went as one line of JSON.
//
// node upload.js TARGET FILE OUT [--token TOKEN] [--content-type TYPE] [--chunk BYTES], and as ways to misbehave
// [--claim BYTES] [--wrong-hash] [--stop-after BYTES] [--silent-after BYTES] [--deadline SECONDS]; upload.py has the
// same and says what they mean.

const { createHash } = require("node:crypto");
const { once } = require("node:events");
const fs = require("node:fs");
const { setImmediate } = require("node:timers/promises");
const { parseArgs } = require("node:util");

const { OPTIONS, by, ended, grpc, lastWord, services } = require("./wire.js");

const sha256 = (data) => createHash("sha256").update(data).digest();

function settings() {
    const text = { type: "string" };
    const { values, positionals } = parseArgs({
        allowPositionals: true,
        options: {
            token: { type: "string", default: "" },
            "content-type": { type: "string", default: "image/jpeg" },
            chunk: { type: "string", default: "65536" },
            claim: text,
            "wrong-hash": { type: "boolean", default: false },
            "stop-after": text,
            "silent-after": text,
            deadline: text,
        },
    });
    const [target, file, out] = positionals;
    return { target, file, out, ...values };
}

// Writes the messages of an upload to `call`, as fast as it takes them, until it is `over`.
async function send(call, data, chosen, over) {
    const metadata = {
        content_type: chosen["content-type"],
        size_bytes: Number(chosen.claim ?? data.length),
        sha256: sha256(chosen["wrong-hash"] ? "another" : data),
    };
    call.write({ metadata });
    const end = Math.min(data.length, ...[chosen["stop-after"], chosen["silent-after"]].filter(Boolean).map(Number));
    const chunk = Number(chosen.chunk);
    for (let at = 0; at < end && !over.aborted; at += chunk) {
        const taken = call.write({ chunk: data.subarray(at, Math.min(at + chunk, end)) });
        // What is taken is sent when the loop has its turn, which it does not get by itself.
        if (taken && (at / chunk) % 1024 === 1023) await setImmediate();
        // Who is over never says that it takes more.
        if (!taken) await once(call, "drain", { signal: over }).catch(() => {});
    }
    if (chosen["silent-after"] === undefined) call.end();
}

async function upload(client, chosen) {
    const data = fs.readFileSync(chosen.file);
    const options = chosen.deadline === undefined ? {} : { deadline: Date.now() + chosen.deadline * 1000 };
    const over = new AbortController();
    const began = performance.now();
    let answer;
    const call = client.UploadPicture(by(chosen.token), options, (_, it) => (answer = it));
    const status = lastWord(call);
    call.on("status", () => over.abort());
    await send(call, data, chosen, over.signal);
    const told = ended(await status);
    told.seconds = Math.round(performance.now() - began) / 1000;
    if (answer !== undefined) {
        const { picture, content_type } = answer;
        Object.assign(told, { etag: picture.etag, sizes_px: picture.sizes_px, content_type });
    }
    return told;
}

async function readBack(client, chosen) {
    const call = client.GetPicture({ user_id: "me", size_px: 300 }, by(chosen.token));
    const status = lastWord(call);
    let header = {};
    const chunks = [];
    call.on("data", (part) => {
        if (part.header) header = part.header;
        else chunks.push(part.chunk);
    });
    const told = ended(await status);
    if (told.code !== "OK") return told;
    const data = Buffer.concat(chunks);
    fs.writeFileSync(chosen.out, data);
    return { ...told, header, bytes: data.length, sha256: sha256(data).toString("hex") };
}

async function main() {
    const chosen = settings();
    const client = new services.ProfileService(chosen.target, grpc.credentials.createInsecure(), OPTIONS);
    const uploaded = await upload(client, chosen);
    console.log(JSON.stringify({ upload: uploaded, get: await readBack(client, chosen) }));
    client.close();
}

main();
