fetch('https://api.1min.ai/api/features', {
method: 'POST',
headers: {
'Content-Type': 'application/json',
'API-KEY': 'YOUR_API_KEY'
},
body: JSON.stringify({
type: 'TEXT_TO_VIDEO',
model: 'luma',
promptObject: {
prompt: 'a majestic lion walking through golden savanna at sunset',
modelName: 'ray-v3',
duration: '5s',
aspectRatio: '16:9',
resolution: '720p',
loop: false
}
})
})
