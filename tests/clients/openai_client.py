# The official client for Python against a running server: OPENAI_BASE_URL says where. Prints what it saw as JSON.
import base64
import hashlib
import json
import sys
import urllib.request

import openai

client = openai.OpenAI(api_key="any", max_retries=2)
image_file, mask_file = sys.argv[1:3]
seen = {}


def sha256(item):
    return hashlib.sha256(base64.b64decode(item.b64_json)).hexdigest()


def extra(**fields):
    return {"extra_body": fields}


answer = client.images.generate(model="gpt-image-1", prompt="a red fox", **extra(seed=11, steps=2))
seen["generate"] = {"sha256": sha256(answer.data[0]), "extra": answer.data[0].model_extra, "size": answer.size}

answer = client.images.generate(model="dall-e-2", prompt="a boat", n=2, size="256x256", **extra(seed=5, steps=1))
seen["urls"] = [len(urllib.request.urlopen(item.url).read()) for item in answer.data]

events = list(
    client.images.generate(
        model="gpt-image-1", prompt="a red fox", stream=True, partial_images=2, **extra(seed=4, steps=6)
    )
)
seen["stream"] = [[event.type, getattr(event, "partial_image_index", None)] for event in events]
seen["streamed"] = sha256(events[-1])

with open(image_file, "rb") as image, open(mask_file, "rb") as mask:
    answer = client.images.edit(
        image=[image], mask=mask, prompt="a red fox", quality="auto", **extra(seed=2, steps=3, paste_back=True)
    )
seen["edit"] = {"extra": answer.data[0].model_extra, "usage": answer.usage.total_tokens}

with open(image_file, "rb") as image:
    events = list(
        client.images.edit(image=image, prompt="a red fox", stream=True, partial_images=1, **extra(steps=6))
    )
seen["edit stream"] = [event.type for event in events]

with open(image_file, "rb") as image:
    answer = client.images.create_variation(image=image, response_format="b64_json", **extra(steps=4, seed=1))
seen["variation"] = len(answer.data)

seen["models"] = [model.id for model in client.models.list()]
seen["model"] = client.models.retrieve("gpt-image-1").model_extra

errors = []
for fields in [{"style": "vivid"}, {"n": 11}, {"model": "gpt-4o"}, {"extra_body": {"stepz": 3}}]:
    try:
        client.images.generate(prompt="a boat", **fields)
    except openai.APIStatusError as error:
        errors.append([type(error).__name__, error.status_code, error.param, error.request_id[:4]])
seen["errors"] = errors

impatient = openai.OpenAI(api_key="any", timeout=1, max_retries=30)
answer = impatient.images.generate(prompt="a lighthouse", **extra(steps=40, seed=9))
seen["repeated"] = len(answer.data)

print(json.dumps(seen))
