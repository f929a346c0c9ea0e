# shellcheck shell=sh
# Become nginx for the network: it serves a file of seven megabytes.
cd /tmp && mkdir -p temp html && seq 1000000 > html/numbers || exit 1
cat > conf <<END
worker_processes 2; user nobody nogroup; daemon off; pid /tmp/pid; error_log /tmp/errors;
events { }
http {
	access_log off; sendfile on;
	client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp; uwsgi_temp_path temp; scgi_temp_path temp;
	server { listen 8080; root /tmp/html; }
}
END
(until curl -s -o /dev/null http://127.0.0.1:8080/; do :; done; echo ready) &
exec nginx -p /tmp -c conf -e /tmp/errors
