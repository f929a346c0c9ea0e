# shellcheck shell=bash disable=SC2164
# nginx with two workers serves files and ten thousand requests over loopback, and is reloaded and stopped.
cd /tmp && mkdir -p web/html web/temp && cd web
seq 1 20000 > html/numbers; echo hello > html/index.html
cat > conf <<END
worker_processes 2; user nobody nogroup; pid /tmp/web/pid; error_log /tmp/web/errors;
events { worker_connections 256; }
http {
	access_log off; sendfile on; keepalive_requests 100000;
	client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp; uwsgi_temp_path temp; scgi_temp_path temp;
	server { listen 127.0.0.1:8080; root /tmp/web/html; location /proxy/ { proxy_pass http://127.0.0.1:8080/; } }
}
END
nginx -p /tmp/web -c conf -e /tmp/web/errors || cat errors
curl -s http://127.0.0.1:8080/; curl -s http://127.0.0.1:8080/numbers | cksum; curl -s http://127.0.0.1:8080/proxy/numbers | cksum
curl -s -o /dev/null -w '%{http_code}\n' http://127.0.0.1:8080/missing
python3 /corpus/requests.py 8080 10000
kill -HUP "$(cat pid)"
curl -s --retry 3 http://127.0.0.1:8080/
kill -QUIT "$(cat pid)"
while [ -e pid ]; do :; done
curl -s http://127.0.0.1:8080/ || echo "stopped"
grep -c 'alert\|emerg\|crit' errors # none, and status 1
