"""Reads mails as Python's library does, and prints what is wrong with them, a line each:

python3 read.py FOLDER   # of .eml files; beside each, .html and .txt have what its parts must say
"""

import email.policy
import pathlib
import sys

# Whatever is no mail by the book raises.
strict = email.policy.default.clone(raise_on_defect=True)
ONCE = ["Date", "From", "To", "Subject", "Message-ID", "MIME-Version", "Content-Type", "Auto-Submitted"]

for path in sorted(pathlib.Path(sys.argv[1]).glob("*.eml")):
    data = path.read_bytes()
    try:
        mail = email.message_from_bytes(data, policy=strict)
        for name in ONCE:
            if len(mail.get_all(name, [])) != 1:
                print(f"{path.name}: {name} is there {len(mail.get_all(name, []))} times")
        if mail.get_content_type() != "multipart/alternative":
            print(f"{path.name}: is {mail.get_content_type()}")
        for kind, suffix in [("plain", ".txt"), ("html", ".html")]:
            said = mail.get_body([kind]).get_content().replace("\r\n", "\n")
            if said != path.with_suffix(suffix).read_text("utf-8"):
                print(f"{path.name}: its {kind} text is read otherwise")
        if [part.get_content_type() for part in mail.iter_parts()] != ["text/plain", "text/html"]:
            print(f"{path.name}: its parts are others")
    except Exception as error:  # Each defect is an exception of its own.
        print(f"{path.name}: {error!r}")
    # Only a word that cannot be parted, such as an address of the web, makes a line longer than is usual.
    long = [line for line in data.split(b"\r\n") if len(line) > 78 and (len(line) > 998 or len(line.split()) > 2)]
    if long or not data.isascii():
        print(f"{path.name}: has a line that is too long, or one that is not ASCII: {long[:1]}")
