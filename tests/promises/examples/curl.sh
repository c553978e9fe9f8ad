curl --location 'https://api.1min.ai/api/features' \
--header 'API-KEY: <api-key>' \
--header 'Content-Type: application/json' \
--data '{
"type": "TEXT_TO_VIDEO",
"model": "luma",
"promptObject": {
"prompt": "a majestic lion walking through golden savanna at sunset",
"modelName": "ray-v3",
"duration": "5s",
"aspectRatio": "16:9",
"resolution": "720p",
"loop": false
}
}'
