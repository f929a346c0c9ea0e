# shellcheck shell=sh
# openssl: digests, ciphers, keys, certificates, a TLS handshake over loopback; curl against that server.
set -e
cd /tmp
printf krun | openssl dgst -sha256; printf krun | openssl enc -aes-256-cbc -pbkdf2 -k pass | openssl enc -d -aes-256-cbc -pbkdf2 -k pass; echo
openssl speed -seconds 1 -bytes 1024 sha256 2> /dev/null | grep -c sha256
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key -out cert -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost 2> /dev/null
openssl genrsa -out rsa 2048 2> /dev/null && openssl rsa -in rsa -check -noout 2>&1
echo signed > text; openssl dgst -sha256 -sign rsa -out signature text; openssl rsa -in rsa -pubout -out public 2> /dev/null; openssl dgst -sha256 -verify public -signature signature text
openssl s_server -accept 4433 -cert cert -key key -www -quiet > /dev/null 2>&1 &
server=$!
until openssl s_client -connect localhost:4433 -CAfile cert -verify_return_error < /dev/null > handshake 2>&1; do kill -0 $server; done
grep -E '^Verification|Cipher is' handshake | sort -u
curl -s --cacert cert https://localhost:4433/ | grep -c 'TLSv1.3' > lines; [ "$(cat lines)" -gt 0 ] && echo "curl sees the ciphers"
curl -sS https://localhost:4433/ 2>&1 | cut -c1-40 || true
kill $server; wait $server 2> /dev/null || echo "server ended"
